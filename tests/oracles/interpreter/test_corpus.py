"""Programs nobody here wrote: the interpreter raises for none of them, and returns what Linux 6.12 was measured to return."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ebpf.isa import decode
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, LoadFlag, Program
from ebpf.program_types import AttachType, ProgramType
from oracles.interpreter import Abstained, Outcome, Returned, Trapped, run

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "selftests-6.1.json.gz"

KEY = (0).to_bytes(4, "little")
ARRAY_48B = (28).to_bytes(4, "little") + bytes(24) + (0xABCDEF12).to_bytes(4, "little") + bytes(16)
"""The initial content of its arrays, as their notes say: the index of foo[6] in bytes, then foo."""


def records() -> list[dict[str, Any]]:
    if not CORPUS.exists():
        pytest.skip(f"needs the development data in {CORPUS}")
    with gzip.open(CORPUS) as file:
        every: list[dict[str, Any]] = json.load(file)
    return every


def contents(spec: dict[str, Any]) -> tuple[tuple[bytes, bytes], ...]:
    if spec["type"] == "ARRAY" and spec.get("init_note"):
        return ((KEY, ARRAY_48B),)
    if spec["type"] == "PROG_ARRAY" and spec.get("init_note"):
        return tuple((int(key).to_bytes(4, "little"), bytes(4)) for key in re.findall(r"\[(\d)\]", spec["init_note"]))
    return ()


def case(record: dict[str, Any]) -> Case:
    raw = bytes.fromhex(record["insns"]) if "insns" in record else zlib.decompress(base64.b64decode(record["insns_zb64"]))
    maps = tuple(
        MapSpec(MapType[m["type"]], m["key_size"], m["value_size"], m["max_entries"], m["map_flags"], contents=contents(m))
        for m in record["maps"]
    )
    program = Program(
        ProgramType(record["prog_type_id"]), decode(raw), maps, AttachType(record["expected_attach_type"]),
        license=record["license"], flags=LoadFlag(record["prog_flags"]),
    )  # fmt: skip
    return Case(program, tuple(Input(bytes.fromhex(r["data"])) for r in record.get("runs", [])) or (Input(bytes(64)),))


@pytest.mark.shared
def test_the_corpus() -> None:
    counted: Counter[str] = Counter()
    wrong: list[str] = []
    for record in records():
        program = case(record)
        measured = record["measured"]["6.12"]["priv"]
        accepted = measured["verdict"] == "ACCEPT" and "env" not in measured
        for data, retval in zip(program.inputs, measured.get("retvals", [None] * len(program.inputs)), strict=False):
            outcome = run(program, data, limit=5_000)
            counted[kind(outcome, retval if accepted else None)] += 1
            if accepted and not agrees(outcome, retval):
                wrong.append(f"{record['id']} {record['name']!r}: {outcome}, kernel returns {retval}")
    assert not wrong, "\n".join(wrong)
    assert counted["equal"] >= 465


def kind(outcome: Outcome, retval: int | None) -> str:
    if isinstance(outcome, Returned) and retval is not None:
        return "equal" if outcome.predictable and outcome.r0 & 0xFFFF_FFFF == retval & 0xFFFF_FFFF else "unpredictable or different"
    return type(outcome).__name__.lower()


def agrees(outcome: Outcome, retval: int | None) -> bool:
    """What an accepted program may do: return what was measured where that can be predicted, or make the interpreter abstain."""
    if isinstance(outcome, Trapped):
        return not outcome.predictable
    if isinstance(outcome, Abstained) or not outcome.predictable or retval is None:
        return True
    return outcome.r0 & 0xFFFF_FFFF == retval & 0xFFFF_FFFF
