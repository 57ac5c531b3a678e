#!/usr/bin/env bash
# Sets up .venv with exactly the packages of tests/python/requirements.txt. Does nothing when that is done already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

requirements=tests/python/requirements.txt
python=${PYTHON:-python3}

fail() {
    printf 'venv: %s\n' "$*" >&2
    exit 1
}

command -v "$python" >/dev/null || fail "$python is not there; install Python 3.11 or newer, or set PYTHON"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old: the pinned packages need Python 3.11 or newer; set PYTHON"

# The stamp names what the environment was made from: the interpreter and the pins.
wanted=$("$python" -c '
import hashlib, sys
print(sys.version.split()[0], hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())
' "$requirements")
stamp=.venv/requirements.stamp
if [[ -x .venv/bin/python && -f $stamp && $(<"$stamp") == "$wanted" ]]; then
    echo "venv: up to date"
    exit 0
fi

rm -rf .venv
"$python" -m venv .venv ||
    fail "$python has no venv module that works; on Debian and Ubuntu: apt-get install python3-venv"
# The pins are complete, so that pip resolves nothing: a package that is missing among them fails the check.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: -r "$requirements"
.venv/bin/python -m pip check --quiet
printf '%s\n' "$wanted" >"$stamp"
echo "venv: ready ($(.venv/bin/python --version), $(grep -c '==' "$requirements") packages)"
