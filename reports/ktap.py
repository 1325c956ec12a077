"""KTAP, the kernel's own test output (Documentation/dev-tools/ktap.rst): kernels as tests, properties as
their subtests."""

from __future__ import annotations

from reports.directory import RunDirectory
from reports.records import Cell
from reports.text import one_line


def render(run: RunDirectory) -> str:
    """The report.  A property below its floor is skipped, with the reason; a new finding makes it "not
    ok"; and so is, as a test of its own, a run that did not do all that it was to do."""
    kernels = list(dict.fromkeys(cell.kernel for cell in run.summary.cells))
    incomplete = not run.summary.complete
    lines = ["KTAP version 1", f"1..{len(kernels) + incomplete}"]
    for number, kernel in enumerate(kernels, 1):
        cells = [cell for cell in run.summary.cells if cell.kernel == kernel]
        lines += ["  KTAP version 1", f"  1..{len(cells)}"]
        failed = False
        for at, cell in enumerate(cells, 1):
            result, diagnostics = _result(run, cell)
            failed |= result.startswith("not ok")
            lines += [f"  # {line}" for line in diagnostics]
            lines.append(f"  {result.format(at)}")
        lines.append(f"{'not ok' if failed else 'ok'} {number} {_words(kernel)}")
    if incomplete:
        lines.append(f"# incomplete: {_words(run.summary.incomplete_because)}")
        lines.append(f"not ok {len(kernels) + 1} run")
    return "\n".join(lines) + "\n"


def _result(run: RunDirectory, cell: Cell) -> tuple[str, list[str]]:
    findings = run.new_in(cell)
    diagnostics = [
        f"{finding.id} {_words(finding.signature)}: {_words(finding.statement)}" for finding in findings
    ]
    name = f"{{}} {cell.kind}"
    if findings:
        return f"not ok {name}", diagnostics
    if cell.judged < cell.floor:
        return f"ok {name} # SKIP {cell.judged} judged, floor {cell.floor}", diagnostics
    return f"ok {name}", diagnostics


def _words(text: str) -> str:
    """A "#" begins a directive."""
    return one_line(text).replace("#", "")
