"""Rows (JSON lines on standard input, see README.md) to a sample file."""

from __future__ import annotations

import json
import lzma
import sys

LARGEST = 64 << 10
"""Characters; a longer log shows nothing that a shorter one does not."""


def main() -> None:
    """Write the file named on the command line."""
    written = dropped = 0
    with lzma.open(sys.argv[1], "wt", encoding="utf-8", preset=9) as out:
        for line in sys.stdin:
            row = json.loads(line)
            if {"kernel", "name", "log"} - row.keys():
                sys.exit(f"a row lacks one of kernel, name, log: {line[:80]}")
            if len(row["log"]) > LARGEST:
                dropped += 1
                continue
            out.write(json.dumps(row, sort_keys=True) + "\n")
            written += 1
    print(f"{written} logs written, {dropped} over {LARGEST} characters left out")


if __name__ == "__main__":
    main()
