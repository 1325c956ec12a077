"""The findings as a table for machines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from reports.affected import affected
from reports.records import Finding
from reports.text import one_line

COLUMNS = (
    "id", "status", "known_as", "kind", "severity", "kernel", "boot_args", "signature", "first_affected",
    "last_affected", "kernels_asked", "statement",
)  # fmt: skip


def render(findings: Iterable[Finding]) -> str:
    """CSV with a header, a finding a line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in findings:
        range_ = affected(each)
        writer.writerow(
            [
                each.id, each.status.value, each.known_as, each.kind, each.severity.value, each.kernel,
                " ".join(each.boot_args), each.signature, range_.first, range_.last, range_.asked,
                one_line(each.statement),
            ]
        )  # fmt: skip
    return out.getvalue()
