"""A map that nobody can write any more, as .rodata becomes, is part of the program."""

from __future__ import annotations

import pytest

from conformance.observing.opinions import THOROUGH, opinion
from ebpf.assembly import parse
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from oracles.reference import ReferenceVerdict

LINES = [
    "r1 = map[0][0]+0",
    "r0 = *(u64 *)(r1 +0)",
    "if r0 == 0x7 goto pc+1",
    "r0 = *(u64 *)(r0 +0)",
    "r0 = 0",
    "exit",
]


@pytest.mark.parametrize(
    ("flags", "verdict"),
    [(1 << 7, ReferenceVerdict.SAFE), (0, ReferenceVerdict.UNSAFE)],
    ids=["frozen", "writable"],
)
def test_only_a_frozen_value_is_known(flags: int, verdict: ReferenceVerdict) -> None:
    spec = MapSpec(
        MapType.ARRAY, 4, 8, 1, flags, "x.rodata", contents=((bytes(4), (7).to_bytes(8, "little")),)
    )
    case = Case(Program(ProgramType.SOCKET_FILTER, parse(LINES), (spec,)), (Input(packet=bytes(64)),))
    assert opinion(case, THOROUGH).verdict is verdict
