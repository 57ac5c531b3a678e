#!/usr/bin/env bash
# Ensures that a cargo tool is available: `scripts/tool.sh cargo-deny 0.20.2`.
#
# Accepts a tool of the same minor version on the PATH or in .tools; otherwise installs the exact version into .tools.
# Fails with a message if it cannot be installed, for example without a network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tool=${1:?usage: scripts/tool.sh TOOL VERSION}
version=${2:?usage: scripts/tool.sh TOOL VERSION}
subcommand=${tool#cargo-}
export PATH="$PWD/.tools/bin:$PATH"

# Prints the version of the tool: as cargo recorded it when it installed the tool into .tools, because `cargo auditable` does not
# print its own; otherwise as the tool prints it, "<name> <version>".
installed() {
    if [[ $(command -v "$tool") == "$PWD/.tools/bin/$tool" && -f .tools/.crates.toml ]]; then
        sed -n "s/^\"$tool \\([0-9.]*\\) .*/\\1/p" .tools/.crates.toml
    else
        cargo "$subcommand" --version 2>/dev/null | awk 'NR == 1 { print $2 }'
    fi
}

available() {
    command -v "$tool" >/dev/null || return 1
    local found
    found=$(installed) || return 1
    [[ ${found%.*} == "${version%.*}" ]]
}

if available; then
    exit 0
fi
echo "installing $tool $version into .tools (once, a few minutes)"
# The project's target directory and compiler flags must not affect the tool.
if env -u CARGO_TARGET_DIR -u RUSTFLAGS -u RUSTC_BOOTSTRAP \
    cargo install "$tool" --version "=$version" --locked --force --quiet --root .tools </dev/null && available; then
    exit 0
fi
echo "cannot install $tool $version: cargo install failed, see above" >&2
exit 1
