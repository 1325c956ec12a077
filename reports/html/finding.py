"""What a finding's page shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ebpf import casefile
from ebpf.assembly import program_listing
from ebpf.program import Case
from ebpf.wording import amount, in_bytes
from reports.affected import affected, by_release
from reports.commands import commands, found_by
from reports.html.log import anchored, last_visits
from reports.records import SEVERITIES, Finding, Left, ListingRow
from reports.text import hexdump

_COLUMNS = (("kernel's claim", "claim"), ("value in the witness run", "value"), ("reference", "reference"))

_NO_BYTES = "No packet, context or helper results."
_NO_WITNESS = "None: what is wrong is what the kernel says of the program, whatever it is run on."


def context(finding: Finding, others: Sequence[Finding] = ()) -> dict[str, Any]:
    """The template's variables; ``others`` are the run's findings, of which those with the same culprit are
    named.  Raises :class:`ebpf.errors.InputError` when the finding's case is not one."""
    common = {
        "finding": finding,
        "rows": (),
        "verdicts": (),
        "affected": affected(finding),
        "severity": SEVERITIES[finding.severity],
        "found_by": found_by(finding.provenance),
        "akin": akin(finding, others),
    }
    if finding.object is not None:
        return common | {"commands": commands(finding)}
    if finding.case is None:  # withheld
        return common | {"commands": ""}
    case = casefile.from_plain(finding.case, f"finding {finding.id}")
    rows = finding.listing or tuple(ListingRow(index, text) for index, text in program_listing(case.program))
    return common | {
        "program": _describe(case),
        "log": anchored(finding.log, {row.index for row in rows}),
        "visits": last_visits(finding.log),
        "left": _left(finding),
        "rows": rows,
        "columns": [(title, field) for title, field in _COLUMNS if any(getattr(row, field) for row in rows)],
        "witness": _witness(case, finding.witness),
        "no_witness": _NO_BYTES if finding.witness is not None else _NO_WITNESS,
        "verdicts": [
            (verdict, _judge(verdict.verdict, finding.should_accept)) for verdict in by_release(finding)
        ],
        "maps": [_map(number, case) for number in range(len(case.program.maps))],
        "commands": commands(finding),
    }


def akin(finding: Finding, others: Sequence[Finding]) -> list[Finding]:
    """Other findings whose culprit is of the same form: perhaps one fault of the kernel behind all."""
    culprit = finding.bug.culprit if finding.bug is not None else ""
    return [
        other
        for other in others
        if culprit and other.id != finding.id and other.bug is not None and other.bug.culprit == culprit
    ]


def _left(finding: Finding) -> list[tuple[str, list[Left]]]:
    """By place, what each engine left there."""
    places = dict.fromkeys(each.place for each in finding.left)
    return [(place, [each for each in finding.left if each.place == place]) for place in places]


def _describe(case: Case) -> str:
    program = case.program
    words = [
        program.type.name.lower(),
        amount(len(program.instructions), "instruction slot"),
        f"licence {program.license}",
    ]
    if program.attach_type is not None:
        words.append(f"attach type {program.attach_type.name.lower()}")
    if program.attach_to:
        words.append(f"attached to {program.attach_to}")
    if program.flags:
        words.append(f"flags {program.flags.name or program.flags.value}".lower())
    if case.capabilities is not None:
        words.append(
            f"loaded with {', '.join(case.capabilities)}" if case.capabilities else "loaded without privilege"
        )
    return " · ".join(words)


def _witness(case: Case, index: int | None) -> list[tuple[str, str]]:
    if index is None or index >= len(case.inputs):
        return []
    chosen = case.inputs[index]
    parts = [(f"packet, {in_bytes(len(chosen.packet))}", hexdump(chosen.packet))] if chosen.packet else []
    parts += (
        [(f"context, {in_bytes(len(chosen.context))}", hexdump(chosen.context))] if chosen.context else []
    )
    parts += (
        [("helper results, in call order", " ".join(hex(value) for value in chosen.helpers))]
        if chosen.helpers
        else []
    )
    return parts


def _judge(verdict: str, should_accept: bool | None) -> str:
    """ "wrong" for an opinion that a right kernel would not give, "open" for no opinion, "" else."""
    if verdict not in ("accept", "reject"):
        return "open"
    return "wrong" if should_accept is not None and (verdict == "accept") is not should_accept else ""


def _map(index: int, case: Case) -> tuple[str, str]:
    spec = case.program.maps[index]
    entries = "1 entry" if spec.max_entries == 1 else f"{spec.max_entries} entries"
    sizes = f"key {spec.key_size}, value {spec.value_size}, {entries}"
    title = f"map[{index}] {spec.name}: {spec.type.name.lower()}, {sizes}"
    return title, "\n".join(f"{key.hex()}: {value.hex(' ')}" for key, value in spec.contents)
