"""Real logs of our own programs: load each case on its kernel and keep the level-2 log.

python tests/data/logs/write.py tests/data/logs/sample.jsonl.xz < rows.jsonl      # rows: {"kernel", "name",
"case"} xz -dc tests/data/logs/sample.jsonl.xz | python tests/data/logs/write.py new.jsonl.xz     # the same
cases once more
"""

from __future__ import annotations

import json
import lzma
import sys
from collections import defaultdict
from typing import Any

from conformance.kernel.images import fetch
from conformance.kernel.jobs import Attempt, Job, KernelAnswer
from conformance.kernel.session import KernelSession
from ebpf import casefile

LARGEST = 64 << 10
"""Characters; a longer log shows nothing that a shorter one does not."""


def main() -> None:
    """Rows from standard input, logs to the file named on the command line."""
    by_kernel: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in sys.stdin:
        row = json.loads(line)
        by_kernel[row["kernel"]].append(row)
    dropped = 0
    with lzma.open(sys.argv[1], "wt", encoding="utf-8", preset=9) as out:
        for kernel, rows in by_kernel.items():
            with KernelSession.open(fetch(f"debian:{kernel}")) as session:
                release = session.hello.release
                attempt = Attempt(log_level=2, run=False)
                answers = session.run_all([Job(casefile.from_plain(row["case"]), (attempt,)) for row in rows])
            for row, answer in zip(rows, answers, strict=True):
                if (
                    not isinstance(answer, KernelAnswer)
                    or len(answer.attempts[0].log) > LARGEST
                    or answer.attempts[0].log_truncated
                ):
                    dropped += 1
                    continue
                loaded = answer.attempts[0]
                row |= {"release": release, "accepted": loaded.errno == 0, "log": loaded.log}
                out.write(json.dumps(row, sort_keys=True) + "\n")
    print(f"{dropped} logs lost, truncated or over {LARGEST} characters left out")


if __name__ == "__main__":
    main()
