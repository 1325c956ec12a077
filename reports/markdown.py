"""A finding as the text of a bug report or mail: header, program, witness, log, reproducer, in the order
kernel people look for."""

from __future__ import annotations

from ebpf import casefile
from ebpf.assembly import program_listing
from ebpf.wording import in_bytes
from reports.affected import affected, by_release
from reports.commands import commands
from reports.records import Finding, ListingRow, ObjectEvidence
from reports.text import hexdump, one_line

_LOG_LINES = 60


def render(finding: Finding) -> str:
    """Markdown that also reads as plain text.  Raises :class:`ebpf.errors.InputError` when the finding's case
    is not one."""
    parts = [f"# bpf, {finding.kind}: {one_line(finding.statement)}", _header(finding)]
    if finding.explanation:
        parts.append(one_line(finding.explanation))
    if finding.object is not None:
        parts += _object(finding.object)
    elif finding.case is not None:
        parts += _program(finding)
    else:  # withheld
        return "\n\n".join(parts) + "\n"
    parts += ["To see it again:", _block(commands(finding))]
    return "\n\n".join(parts) + "\n"


def _object(evidence: ObjectEvidence) -> list[str]:
    what = evidence.broken or "nothing: it is well-formed"
    parts = [f"ELF object of {in_bytes(len(evidence.file))}; broken in it: {one_line(what)}"]
    for name, account in (("veridiff's reader", evidence.ours), (evidence.peer, evidence.theirs)):
        parts += [
            f"What {name} makes of it:",
            _block("\n".join(map(one_line, account.splitlines())) or "nothing"),
        ]
    return parts


def _program(finding: Finding) -> list[str]:
    case = casefile.from_plain(finding.case, f"finding {finding.id}")
    rows = finding.listing or tuple(ListingRow(index, text) for index, text in program_listing(case.program))
    lines = "\n".join(_line(row, "" if row.note == finding.statement else row.note) for row in rows)
    parts = ["Program, with what the kernel claims and what the witness run holds:", _block(lines)]
    if finding.outcome:
        parts.append(f"In the witness run: {one_line(finding.outcome)}")
    if (
        finding.witness is not None
        and finding.witness < len(case.inputs)
        and case.inputs[finding.witness].packet
    ):
        parts += ["Packet:", _block(hexdump(case.inputs[finding.witness].packet))]
    if finding.verdicts:
        verdicts = "\n".join(
            f"{one.kernel:<28} {one.shows:<12}{one.verdict:<12} {one_line(one.message)}".rstrip()
            for one in by_release(finding)
        )
        parts += ["Verdicts, and whether it shows:", _block(verdicts)]
    if finding.log:
        parts += [f"Verifier log of {finding.kernel}:", _block(_shorten(finding.log))]
    return parts


def _header(finding: Finding) -> str:
    provenance, range_ = finding.provenance, affected(finding)
    fields = {
        "kernel": f"{finding.kernel} ({provenance.kernel_release})"
        if provenance.kernel_release
        else finding.kernel,
        "affected": f"{range_.first} to {range_.last}" if range_.first else "",
        "severity": finding.severity.value,
        "signature": finding.signature,
        "known as": finding.known_as,
        "right verdict": {True: "accept", False: "reject", None: ""}[finding.should_accept],
        "reproduced": f"{finding.reproduced.times} of {finding.reproduced.attempts} times"
        if finding.reproduced
        else "",
        "C reproducer": finding.reproducers.get("c", ""),
        "selftest": finding.reproducers.get("selftest", ""),
        "ELF object": finding.reproducers.get("object", ""),
        "machine": f"QEMU {provenance.qemu}, {provenance.accelerator}" if provenance.qemu else "",
        "found by": f"{provenance.command} (seed {provenance.seed})" if provenance.command else "",
        "versions": ", ".join(f"{name} {version}" for name, version in provenance.versions.items()),
        "date": provenance.date,
        "id": finding.id,
    }
    width = max(len(name) for name in fields) + 1
    return _block(
        "\n".join(f"{name + ':':<{width}} {one_line(value)}" for name, value in fields.items() if value)
    )


def _line(row: ListingRow, note: str) -> str:
    opinions = [(";", row.claim), ("| run:", row.value), ("| reference:", row.reference)]
    opinion = " ".join(f"{mark} {one_line(text)}" for mark, text in opinions if text)
    line = f"{'>' if row.culprit else ' '}{row.index:4}: {one_line(row.text):<40} {opinion}".rstrip()
    return f"{line}\n      ^ {one_line(note)}" if note else line


def _shorten(log: str) -> str:
    lines = log.rstrip("\n").split("\n")
    if len(lines) <= _LOG_LINES:
        return "\n".join(lines)
    return "\n".join([f"[{len(lines) - _LOG_LINES} earlier lines left out]", *lines[-_LOG_LINES:]])


def _block(text: str) -> str:
    """Indented: unlike a fence, nothing inside can end it."""
    return "\n".join(f"    {line}".rstrip() for line in text.split("\n"))
