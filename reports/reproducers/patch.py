"""The stanza as a patch for ``git am``: a file, and the two lines of prog_tests/verifier.c that run it.

These are set between two neighbours that the file has had since Linux 6.4, when its tests came.
"""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from email.utils import format_datetime

from ebpf.program import Case
from reports.records import Finding
from reports.reproducers.selftest import selftest
from reports.text import one_line

_TESTS = "tools/testing/selftests/bpf"
_INCLUDE = ('#include "verifier_{}.skel.h"', 47)
_RUN = ("void {:<41}{{ RUN(verifier_{}); }}", 128)
_BEFORE, _OURS, _AFTER = "xadd", "veridiff", "xdp"


def patch(finding: Finding, case: Case) -> bytes | None:
    """The patch; None where there is no stanza."""
    stanza = selftest(finding, case)
    if stanza is None:
        return None
    added = stanza.decode().splitlines()
    include, include_at = _INCLUDE
    run, run_at = _RUN
    lines = [
        f"From {'0' * 40} Mon Sep 17 00:00:00 2001",
        "From: veridiff <veridiff@localhost>",
        f"Date: {_date(finding.provenance.date)}",
        f"Subject: [PATCH] selftests/bpf: Add a test for {one_line(finding.signature)}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=UTF-8",
        "",
        "Found by veridiff:",
        "",
        *_quoted(finding.statement),
        *_quoted(f"on {finding.kernel} {finding.provenance.kernel_release}"),
        *_quoted(finding.provenance.command),
        "---",
        f"diff --git a/{_TESTS}/progs/verifier_{_OURS}.c b/{_TESTS}/progs/verifier_{_OURS}.c",
        "new file mode 100644",
        "--- /dev/null",
        f"+++ b/{_TESTS}/progs/verifier_{_OURS}.c",
        f"@@ -0,0 +1,{len(added)} @@",
        *(f"+{line}" for line in added),
        f"diff --git a/{_TESTS}/prog_tests/verifier.c b/{_TESTS}/prog_tests/verifier.c",
        f"--- a/{_TESTS}/prog_tests/verifier.c",
        f"+++ b/{_TESTS}/prog_tests/verifier.c",
        *_between(include_at, 0, *(include.format(name) for name in (_BEFORE, _OURS, _AFTER))),
        *_between(
            run_at, 1, *(run.format(f"test_verifier_{name}(void)", name) for name in (_BEFORE, _OURS, _AFTER))
        ),
        "-- ",
        "veridiff",
        "",
    ]
    return "\n".join(lines).encode()


def _quoted(text: str) -> list[str]:
    """Indented: nothing that a mail or a patch would take for its own begins a line."""
    return textwrap.wrap(one_line(text), 72, initial_indent="    ", subsequent_indent="    ") or [""]


def _between(at: int, shifted: int, before: str, line: str, after: str) -> list[str]:
    return [f"@@ -{at},2 +{at + shifted},3 @@", f" {before}", f"+{line}", f" {after}"]


def _date(text: str) -> str:
    try:
        return format_datetime(datetime.fromisoformat(text))
    except ValueError:
        return format_datetime(datetime.fromtimestamp(0, UTC))
