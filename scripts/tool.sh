#!/usr/bin/env bash
# Makes sure that a cargo tool is there: `scripts/tool.sh cargo-deny 0.20.2`.
#
# A tool on the PATH or in .tools of the same minor version serves; else the exact version is installed into .tools.
# Fails, with a sentence that says so, when it cannot be installed (without a network, say).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tool=${1:?usage: scripts/tool.sh TOOL VERSION}
version=${2:?usage: scripts/tool.sh TOOL VERSION}
subcommand=${tool#cargo-}
export PATH="$PWD/.tools/bin:$PATH"

serves() {
    command -v "$tool" >/dev/null || return 1
    local found
    # Both `cargo deny --version` and `cargo fuzz --version` print "<name> <version>".
    found=$(cargo "$subcommand" --version 2>/dev/null | awk 'NR == 1 { print $2 }') || return 1
    [[ ${found%.*} == "${version%.*}" ]]
}

if serves; then
    exit 0
fi
echo "installing $tool $version into .tools (once, a few minutes)"
# Neither the project's target directory nor its compiler flags have a part in the tool.
if env -u CARGO_TARGET_DIR -u RUSTFLAGS -u RUSTC_BOOTSTRAP \
    cargo install "$tool" --version "=$version" --locked --force --quiet --root .tools </dev/null && serves; then
    exit 0
fi
echo "$tool $version cannot be installed here: cargo install failed, see above" >&2
exit 1
