#!/usr/bin/env bash
# Installs dependency groups of pyproject.toml into .venv, in exactly the pinned versions. Does nothing if they are installed.
# usage: venv.sh [GROUP...], by default `test`
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${PYTHON:-python3}
venv=.venv

fail() {
    printf 'venv: %s\n' "$*" >&2
    exit 1
}

command -v "$python" >/dev/null || fail "$python not found; install Python 3.11 or newer, or set PYTHON"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old: the pinned packages need Python 3.11 or newer; set PYTHON"

# Prints the pins of the given groups, one per line. pip has no option for groups before version 25.1.
pins() {
    "$python" - "$@" <<'PYTHON'
import sys, tomllib

with open("pyproject.toml", "rb") as file:
    groups = tomllib.load(file)["dependency-groups"]
unknown = [name for name in sys.argv[1:] if name not in groups]
if unknown:
    sys.exit(f"venv: unknown group {', '.join(unknown)}: expected {', '.join(groups)}")
print(*dict.fromkeys(pin for name in sys.argv[1:] for pin in groups[name]), sep="\n")
PYTHON
}

[[ $# -gt 0 ]] || set -- test
wanted=$(pins "$@")
# The stamp holds the interpreter's version and every pin that was installed. An environment of another interpreter, or one
# in which a pin has changed, is rebuilt; other groups that were installed in it come back when they are needed.
stamp=$venv/stamp
version=$("$python" -c 'import sys; print(sys.version.split()[0])')
if [[ -x $venv/bin/python && -f $stamp && $(head -n 1 "$stamp") == "$version" ]]; then
    installed=$(tail -n +2 "$stamp")
    missing=$(comm -23 <(sort <<<"$wanted") <(sort <<<"$installed"))
    if [[ -z $missing ]]; then
        echo "venv: $venv is up to date"
        exit 0
    fi
    # A package of another version is in the way: start again.
    if comm -12 <(sed 's/==.*//' <<<"$missing" | sort) <(sed 's/==.*//' <<<"$installed" | sort) | grep -q .; then
        rm -rf "$venv"
    fi
else
    rm -rf "$venv"
fi
if [[ ! -d $venv ]]; then
    installed=
    missing=$wanted
    "$python" -m venv "$venv" ||
        fail "$python has no working venv module; on Debian and Ubuntu: apt-get install python3-venv"
fi
rm -f "$stamp"
printf '%s\n' "$missing" >"$venv/requirements.txt"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --requirement "$venv/requirements.txt"
# The groups are complete, so pip resolves nothing; a dependency that is missing from them fails this check.
"$venv/bin/python" -m pip check >"$venv/check" || fail "$venv: $(cat "$venv/check")"
printf '%s\n' "$version" $installed $missing >"$stamp"
echo "venv: $venv has $* ($("$venv/bin/python" --version), $(wc -l <"$venv/requirements.txt") packages installed)"
