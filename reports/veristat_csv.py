"""What a kernel's verifier did with each finding's program, in the columns of veristat's CSV
(tools/testing/selftests/bpf/veristat.c: ``veristat -C`` compares two such files)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

from reports.records import Finding
from reports.reproducers.object_file import program_name

COLUMNS = (
    "file_name", "prog_name", "verdict", "total_insns", "total_states", "peak_states", "max_states_per_insn",
)  # fmt: skip
_DONE = re.compile(
    r"^processed (?P<total_insns>\d+) insns \(limit \d+\) max_states_per_insn (?P<max_states_per_insn>\d+) "
    r"total_states (?P<total_states>\d+) peak_states (?P<peak_states>\d+)",
    re.MULTILINE,
)
"""kernel/bpf/verifier.c: print_verification_stats."""
_VERDICTS = {"accept": "success", "reject": "failure"}


def render(findings: Iterable[Finding]) -> str:
    """CSV with a header; a line per finding whose log ends in the verifier's numbers and that has an
    object."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for each in findings:
        numbers = [match.groupdict() for match in _DONE.finditer(each.log)]
        verdict = next((_VERDICTS.get(told.verdict) for told in each.verdicts), None)
        if numbers and verdict is not None and "object" in each.reproducers:
            file = f"findings/{each.id}/{each.reproducers['object']}"
            named = {"file_name": file, "prog_name": program_name(each), "verdict": verdict}
            writer.writerow(named | numbers[-1])
    return out.getvalue()
