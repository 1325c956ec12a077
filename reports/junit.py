"""JUnit XML: a suite per kernel, a test case per property, its new findings as one failure.  What CI systems
show."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from reports.directory import RunDirectory
from reports.records import Cell, CellState, Finding

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(run: RunDirectory) -> str:
    """The document.  Below its floor, a property is an error (nothing was shown), or skipped when it judged
    nothing at all.  A run that was cut short has an error of its own."""
    root = Element("testsuites", name="veridiff", time=f"{run.summary.seconds:.1f}")
    for kernel in dict.fromkeys(cell.kernel for cell in run.summary.cells):
        cells = [cell for cell in run.summary.cells if cell.kernel == kernel]
        suite = SubElement(
            root, "testsuite", name=_text(kernel), tests=str(len(cells)), timestamp=_text(run.summary.started)
        )
        counts = {"failures": 0, "errors": 0, "skipped": 0}
        for cell in cells:
            case = SubElement(suite, "testcase", classname=_text(f"veridiff.{kernel}"), name=cell.kind)
            outcome = _outcome(case, cell, run.new_in(cell))
            if outcome is not None:
                counts[outcome] += 1
        for name, count in counts.items():
            suite.set(name, str(count))
    if not run.summary.complete:
        suite = SubElement(root, "testsuite", name="run", tests="1", failures="0", errors="1", skipped="0")
        case = SubElement(suite, "testcase", classname="veridiff", name="complete")
        SubElement(case, "error", message=_text(run.summary.incomplete_because), type="incomplete")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _outcome(case: Element, cell: Cell, findings: list[Finding]) -> str | None:
    judged = f"{cell.judged} judged, floor {cell.floor}"
    if findings:
        failure = SubElement(case, "failure", message=_text(findings[0].statement), type=cell.kind)
        failure.text = _text(
            "\n".join(f"{finding.id} {finding.signature}: {finding.statement}" for finding in findings)
        )
        return "failures"
    if cell.judged == 0 and cell.floor:
        SubElement(case, "skipped", message=_text("; ".join([judged, *cell.abstained])))
        return "skipped"
    if cell.state is CellState.BELOW_FLOOR:
        SubElement(case, "error", message=judged, type="below floor")
        return "errors"
    SubElement(case, "system-out").text = judged
    return None


def _text(text: str) -> str:
    """XML has no way to write most control characters; a console may hold them."""
    return _NOT_XML.sub("\ufffd", text)
