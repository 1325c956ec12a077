"""What a finding's page shows."""

from __future__ import annotations

from typing import Any

from ebpf import casefile
from ebpf.assembly import program_listing
from ebpf.program import Case
from reports.affected import affected, by_release
from reports.commands import commands
from reports.records import Finding, ListingRow
from reports.text import hexdump, number

_COLUMNS = (("kernel's claim", "claim"), ("value in the witness run", "value"), ("reference", "reference"))

_NO_BYTES = "No packet, context or helper results."
_NO_WITNESS = "None is needed: the verdict is the fault."


def context(finding: Finding) -> dict[str, Any]:
    """The template's variables.  Raises :class:`ebpf.errors.InputError` when the finding's case is not
    one."""
    if finding.object is not None:
        return {"finding": finding, "rows": (), "commands": commands(finding), "affected": affected(finding)}
    if finding.case is None:  # withheld
        return {"finding": finding, "rows": (), "commands": "", "verdicts": (), "affected": affected(finding)}
    case = casefile.from_plain(finding.case, f"finding {finding.id}")
    rows = finding.listing or tuple(ListingRow(index, text) for index, text in program_listing(case.program))
    return {
        "finding": finding,
        "program": _describe(case),
        "rows": rows,
        "columns": [(title, field) for title, field in _COLUMNS if any(getattr(row, field) for row in rows)],
        "witness": _witness(case, finding.witness),
        "no_witness": _NO_BYTES if finding.witness is not None else _NO_WITNESS,
        "verdicts": [
            (verdict, _judge(verdict.verdict, finding.should_accept)) for verdict in by_release(finding)
        ],
        "affected": affected(finding),
        "maps": [_map(number, case) for number in range(len(case.program.maps))],
        "commands": commands(finding),
    }


def _describe(case: Case) -> str:
    program = case.program
    words = [
        program.type.name.lower(),
        f"{number(len(program.instructions))} instruction slots",
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
    parts = [(f"packet, {len(chosen.packet)} bytes", hexdump(chosen.packet))] if chosen.packet else []
    parts += [(f"context, {len(chosen.context)} bytes", hexdump(chosen.context))] if chosen.context else []
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
    sizes = f"key {spec.key_size}, value {spec.value_size}, {spec.max_entries} entries"
    title = f"map[{index}] {spec.name}: {spec.type.name.lower()}, {sizes}"
    return title, "\n".join(f"{key.hex()}: {value.hex(' ')}" for key, value in spec.contents)
