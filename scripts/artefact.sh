#!/usr/bin/env bash
# Builds the function as it is deployed, and packs it: dist/alb-ingest-ARCH.zip, the same bytes on every run.
# usage: artefact.sh [x86_64|arm64]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

arch=${1:-x86_64}
# No path of this machine in the binary. Cargo names the registry's folder below its home.
home=${CARGO_HOME:-$HOME/.cargo}
export CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$PWD=."$'\x1f'"--remap-path-prefix=$home=cargo"
export SOURCE_DATE_EPOCH=0
unset RUSTFLAGS
target=${CARGO_TARGET_DIR:-target}

case $arch in
x86_64)
    cargo build --locked --profile artefact --bin bootstrap
    binary=$target/artefact/bootstrap
    ;;
arm64)
    rustup target list --installed | grep -qx aarch64-unknown-linux-gnu || {
        echo 'artefact: the standard library for arm64 is missing: rustup target add aarch64-unknown-linux-gnu' >&2
        exit 1
    }
    scripts/venv.sh .venv-local scripts/sam/requirements.txt
    # The second part is the C library that is linked against; Amazon Linux 2023 has 2.34.
    PATH="$PWD/.venv-local/bin:$PATH" cargo lambda build --locked --profile artefact --bin bootstrap \
        --target aarch64-unknown-linux-gnu.2.34
    binary=$target/lambda/bootstrap/bootstrap
    ;;
*)
    echo "artefact: $arch is neither x86_64 nor arm64" >&2
    exit 2
    ;;
esac
python3 scripts/artefact.py "$binary" "dist/alb-ingest-$arch.zip"
