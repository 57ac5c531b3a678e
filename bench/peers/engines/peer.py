"""What the peers' scripts have in common: `NAME_peer.py INPUT OUTPUT parquet|json`, one thread, Parquet in zstd-1.

The last line on stdout is JSON: the CPU seconds that the start took (interpreter, imports, connection), so that they
can be taken off what the whole process used.
"""

import json
import sys
import time
from collections.abc import Callable


def main(convert: Callable[[str, str, str], None]) -> None:
    started = time.process_time()
    source, to, form = sys.argv[1:]
    convert(source, to, form)
    print(json.dumps({"start": started}))
