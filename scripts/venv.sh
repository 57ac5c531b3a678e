#!/usr/bin/env bash
# Sets up a Python environment with exactly the packages of a list. Does nothing when that is done already.
# usage: venv.sh [FOLDER REQUIREMENTS...], by default .venv with tests/python/requirements.txt
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=${1:-.venv}
shift || true
requirements=("${@:-tests/python/requirements.txt}")
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
lists = b"".join(open(name, "rb").read() for name in sys.argv[1:])
print(sys.version.split()[0], hashlib.sha256(lists).hexdigest())
' "${requirements[@]}")
stamp=$folder/requirements.stamp
if [[ -x $folder/bin/python && -f $stamp && $(<"$stamp") == "$wanted" ]]; then
    echo "venv: $folder is up to date"
    exit 0
fi

rm -rf "$folder"
"$python" -m venv "$folder" ||
    fail "$python has no venv module that works; on Debian and Ubuntu: apt-get install python3-venv"
# The pins are complete, so that pip resolves nothing: a package that is missing among them fails the check.
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: "${requirements[@]/#/--requirement=}"
"$folder/bin/python" -m pip check >"$folder/check" || fail "$folder: $(cat "$folder/check")"
printf '%s\n' "$wanted" >"$stamp"
echo "venv: $folder is ready ($("$folder/bin/python" --version), $(cat "${requirements[@]}" | grep -c '==') packages)"
