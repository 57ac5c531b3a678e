#!/usr/bin/env bash
# Builds the function as it is deployed, and packs it: dist/alb-ingest-ARCH.zip, the same bytes on every run.
# usage: artefact.sh [x86_64|arm64|all], where all is what this machine can build
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

arch=${1:-x86_64}
arm_target=aarch64-unknown-linux-gnu

can_build_arm() {
    rustup target list --installed | grep -qx "$arm_target"
}

if [[ $arch == all ]]; then
    scripts/artefact.sh x86_64
    if can_build_arm; then
        exec scripts/artefact.sh arm64
    fi
    echo "artefact: arm64 is left out; it needs: rustup target add $arm_target"
    exit 0
fi

# No path of this machine in the binary. Cargo names the registry's folder below its home.
home=${CARGO_HOME:-$HOME/.cargo}
export CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$PWD=."$'\x1f'"--remap-path-prefix=$home=cargo"
export SOURCE_DATE_EPOCH=0
unset RUSTFLAGS
target=${CARGO_TARGET_DIR:-target}
# Without the command line and the generator. `sam build` reads the same from package.metadata.lambda.build.
build=(--locked --profile artefact --bin bootstrap --no-default-features --features aws)

case $arch in
x86_64)
    cargo build "${build[@]}"
    binary=$target/artefact/bootstrap
    ;;
arm64)
    can_build_arm || {
        echo "artefact: the standard library for arm64 is missing: rustup target add $arm_target" >&2
        exit 1
    }
    scripts/venv.sh function
    # The second part is the C library that is linked against; Amazon Linux 2023 has 2.34.
    PATH="$PWD/.venv/bin:$PATH" cargo lambda build "${build[@]}" --target "$arm_target.2.34"
    binary=$target/lambda/bootstrap/bootstrap
    ;;
*)
    echo "artefact: $arch is neither x86_64, arm64 nor all" >&2
    exit 2
    ;;
esac
python3 scripts/artefact.py "$binary" "dist/alb-ingest-$arch.zip" "$arch"
