"""What a test run keeps from a program is held against nobody."""

from __future__ import annotations

import pytest

from conformance.kernel.jobs import Attempt, KernelAnswer, Loaded, RunResult
from conformance.properties import execution
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from ebpf.assembly import parse
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType as T
from generators.programs import Generated, Purpose
from tests.lying.asking import observe

PACKET = bytes(14) + bytes(range(64))


def judged(kind: T, text: str, retval: int, packet: bytes = PACKET) -> list[Judgement]:
    case = Case(Program(kind, parse(text.split("; "))), (Input(PACKET),))
    loaded = Loaded(0, "", jited_length=64, runs=(RunResult(0, retval, packet, b"", ()),))
    seen = observe(Generated(case, Purpose.VALID), KernelAnswer((loaded,)), attempts=(Attempt(),))
    return list(execution.judge(seen))


LENGTH = "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r0 = 0; if r2 > r3 goto pc+1; r0 = 1; exit"


def test_the_end_of_a_packet() -> None:
    assert judged(T.CGROUP_SKB, LENGTH, 0) == [Abstention("a test run gives cgroup_skb programs no data_end")]
    assert [type(each) for each in judged(T.SCHED_CLS, LENGTH, 0)] == [Disagreement]
    assert judged(T.SCHED_CLS, LENGTH, 1) == [Agreement()]


def test_a_flow_dissector_has_no_buffer_and_gives_back_its_keys() -> None:
    assert judged(T.FLOW_DISSECTOR, "r0 = 0; exit", 0, packet=bytes(56)) == [Agreement()]
    assert [type(each) for each in judged(T.FLOW_DISSECTOR, "r0 = 0; exit", 1)] == [Disagreement]
    (found,) = judged(T.FLOW_DISSECTOR, "call bpf_get_prandom_u32#7; r0 = 0; exit", 1)
    assert isinstance(found, Abstention)
    assert "no socket buffer" in found.reason


@pytest.mark.parametrize("kind", [T.TRACING, T.LSM, T.EXT])
def test_what_runs_only_where_it_is_attached_returns_nothing(kind: T) -> None:
    """What comes back is the traced function's: 0x20021 of bpf_modify_return_test (6.12)."""
    (found,) = judged(kind, "r0 = 0; exit", 0x20021)
    assert isinstance(found, Abstention)
    assert "calls what they are attached to" in found.reason


@pytest.mark.parametrize("kind", [T.RAW_TRACEPOINT, T.SYSCALL])
def test_a_run_without_a_packet_gives_none_back(kind: T) -> None:
    assert judged(kind, "r0 = 3; exit", 3, packet=b"") == [Agreement()]
    assert [type(each) for each in judged(kind, "r0 = 3; exit", 4, packet=b"")] == [Disagreement]
