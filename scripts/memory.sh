#!/usr/bin/env bash
# Verifies that memory use does not grow with the size of an object: an access log object of 1.5 million lines (about 1 GB
# of text) is converted to Parquet in under 100 MB of resident memory, and to JSON in under 50 MB. Fails if a limit is exceeded.
#
# LINES=... sets another size. The files are written to a temporary folder (TMPDIR) and deleted at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lines=${LINES:-1500000}
parquet_limit_mb=100
json_limit_mb=50

cargo build --release --locked --bin alb-ingest
program=${CARGO_TARGET_DIR:-target}/release/alb-ingest

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

echo "generating $lines lines"
"$program" generate alb_access_log --lines "$lines" --seed 1 --to "$folder/objects"

# The content of the objects; they may or may not be compressed.
read -r found bytes < <(find "$folder/objects" -type f -print0 | xargs -0 gzip -dcf | wc -l -c)
if [[ $found != "$lines" ]]; then
    echo "expected $lines lines in the objects, found $found" >&2
    exit 1
fi
awk -v bytes="$bytes" 'BEGIN { printf "%.0f MB of text\n\n", bytes / 1e6 }'

failed=0
for format in parquet json; do
    limit=${format}_limit_mb
    scripts/peak_memory.py --label "$format" --bytes "$bytes" --lines "$lines" --limit-mb "${!limit}" -- \
        "$program" run "$folder/objects" --to "$folder/$format" --format "$format" --report json \
        >"$folder/$format.out" || failed=1
    # The measurement follows the command's report.
    tail -n 1 "$folder/$format.out"
    # The report must account for every line.
    python3 - "$folder/$format.out" "$lines" <<'PYTHON' || failed=1
import json, sys

text = open(sys.argv[1], encoding="utf-8").read()
report, _ = json.JSONDecoder().raw_decode(text)
accounted = report["events"] + report["quarantined"] + report["skipped_lines"]
if not report["lines"] == accounted == int(sys.argv[2]):
    sys.exit(f"the report accounts for {accounted} of {report['lines']} lines")
PYTHON
    rm -rf "${folder:?}/$format"
done
exit "$failed"
