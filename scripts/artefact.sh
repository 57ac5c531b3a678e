#!/usr/bin/env bash
# Builds the deployable function and packs it as dist/alb-ingest-ARCH.zip. Every run produces the same bytes.
# usage: artefact.sh [x86_64|arm64|all]; all skips arm64 if its standard library cannot be installed
#
# The binary names its dependencies, for `cargo audit bin`. AUDITABLE=no builds without cargo-auditable, and without the list.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

arch=${1:-x86_64}
arm_target=aarch64-unknown-linux-gnu
cargo_auditable_version=0.7.7

# Whether arm64's standard library is installed. Installs it if it is missing: cargo-lambda and zig, which link, need nothing else.
can_build_arm() {
    rustup target list --installed | grep -qx "$arm_target" || rustup target add "$arm_target" >&2
}

if [[ $arch == all ]]; then
    scripts/artefact.sh x86_64
    if can_build_arm; then
        exec scripts/artefact.sh arm64
    fi
    echo "artefact: SKIPPED arm64, which was not built: rustup target add $arm_target failed" >&2
    exit 0
fi

# Keep this machine's paths out of the binary. Cargo's registry is below its home directory.
home=${CARGO_HOME:-$HOME/.cargo}
export CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$PWD=."$'\x1f'"--remap-path-prefix=$home=cargo"
export SOURCE_DATE_EPOCH=0
unset RUSTFLAGS
target=${CARGO_TARGET_DIR:-target}
# Without the command line and the generator. `sam build` reads the same from package.metadata.lambda.build.
build=(--locked --profile artefact --bin bootstrap --no-default-features --features aws)

# A tool that cannot be installed stops the build: the same command must never produce other bytes.
auditable=()
if [[ ${AUDITABLE:-yes} != no ]]; then
    scripts/tool.sh cargo-auditable "$cargo_auditable_version" || {
        echo 'artefact: AUDITABLE=no builds without the list of dependencies' >&2
        exit 1
    }
    auditable=(auditable)
    PATH="$PWD/.tools/bin:$PATH"
fi

case $arch in
x86_64)
    cargo "${auditable[@]}" build "${build[@]}"
    binary=$target/artefact/bootstrap
    ;;
arm64)
    can_build_arm || {
        echo "artefact: the standard library for arm64 is not installed, and cannot be: rustup target add $arm_target failed" >&2
        exit 1
    }
    scripts/venv.sh function
    # The suffix is the version of the C library to link against; Amazon Linux 2023 has 2.34.
    PATH="$PWD/.venv/bin:$PATH" cargo "${auditable[@]}" lambda build "${build[@]}" --target "$arm_target.2.34"
    binary=$target/lambda/bootstrap/bootstrap
    ;;
*)
    echo "artefact: unknown architecture $arch: expected x86_64, arm64 or all" >&2
    exit 2
    ;;
esac
python3 scripts/artefact.py "$binary" "dist/alb-ingest-$arch.zip" "$arch"
