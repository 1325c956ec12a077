"""Maps whose fields a case names: kernels take the types that are made of them."""

from __future__ import annotations

import pytest

from conformance.kernel.features import Features, probe
from conformance.kernel.jobs import Attempt, Job, KernelAnswer, KernelVerdict
from conformance.kernel.session import KernelSession
from conformance.kernel.verdicts import judge_answer
from ebpf.assembly import parse
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Input, LoadFlag, Program
from ebpf.program_types import ProgramType
from ebpf.releases import Since

pytestmark = pytest.mark.vm

LOCK = MapField(0, MapFieldKind.SPIN_LOCK)
FIELDS = {
    "a lock": ("5.10", (LOCK,)),
    "a timer": ("5.15", (MapField(8, MapFieldKind.TIMER),)),
    "a lock and a timer": ("5.15", (LOCK, MapField(8, MapFieldKind.TIMER))),
    "pointers": (
        "6.1",
        (
            MapField(0, MapFieldKind.KPTR, "task_struct"),
            MapField(8, MapFieldKind.KPTR_UNTRUSTED, "task_struct"),
        ),
    ),
    "a list": ("6.5", (LOCK, MapField(8, MapFieldKind.LIST_HEAD))),
    "a tree": ("6.5", (LOCK, MapField(8, MapFieldKind.RB_ROOT, "mine:link"))),
    "a work queue": ("6.10", (MapField(8, MapFieldKind.WORKQUEUE),)),
}
TYPES = {
    MapType.ARRAY: (4, 0), MapType.HASH: (12, 0), MapType.LRU_HASH: (8, 0),
}  # fmt: skip


@pytest.fixture(scope="module")
def features(kernel: KernelSession) -> Features:
    return probe(kernel)


def verdict(kernel: KernelSession, spec: MapSpec) -> KernelVerdict:
    lines = [
        *("*(u64 *)(r10 -8) = 0", "*(u64 *)(r10 -16) = 0", "r2 = r10", "r2 += -16"),
        *("r1 = map[0]", "call bpf_map_lookup_elem#1", "r0 = 0", "exit"),
    ]
    case = Case(Program(ProgramType.SCHED_CLS, parse(lines), (spec,)))
    answer = kernel.run(Job(case, (Attempt(run=False),)))
    assert isinstance(answer, KernelAnswer)
    ruling = judge_answer(answer, 0)
    assert ruling.verdict is KernelVerdict.ACCEPT, ruling
    return ruling.verdict


@pytest.mark.parametrize("name", FIELDS)
def test_maps_with_fields_are_created(kernel: KernelSession, features: Features, name: str) -> None:
    since, fields = FIELDS[name]
    if features.release not in Since(since):
        pytest.skip(f"{name} came with {since}")
    for kind, (key_size, flags) in TYPES.items():
        if kind is MapType.LRU_HASH and name != "pointers":
            continue
        verdict(kernel, MapSpec(kind, key_size, 32, 4, flags, "typed", fields=fields))


@pytest.mark.parametrize("kind", [MapType.SK_STORAGE, MapType.TASK_STORAGE])
def test_local_storage_is_created(kernel: KernelSession, kind: MapType) -> None:
    spec = MapSpec(kind, 4, 12, 0, 1, "local")
    case = Case(Program(ProgramType.SCHED_CLS, parse(["r0 = 0", "exit"]), (spec,)))
    answer = kernel.run(Job(case, (Attempt(run=False),)))
    assert isinstance(answer, KernelAnswer)
    assert answer.map_errno is None


def test_a_lock_is_taken_and_released(kernel: KernelSession) -> None:
    lines = [
        *("*(u32 *)(r10 -4) = 0", "r2 = r10", "r2 += -4", "r1 = map[0]", "call bpf_map_lookup_elem#1"),
        *("if r0 == 0 goto pc+8", "r6 = r0", "r1 = r6", "call bpf_spin_lock#93", "r3 = *(u32 *)(r6 +4)"),
        *("r3 += 1", "*(u32 *)(r6 +4) = r3", "r1 = r6", "call bpf_spin_unlock#94", "r0 = 0", "exit"),
    ]
    spec = MapSpec(MapType.ARRAY, 4, 8, 1, name="rate", fields=(LOCK,))
    case = Case(Program(ProgramType.SCHED_CLS, parse(lines), (spec,)), (Input(packet=bytes(64)),))
    answer = kernel.run(Job(case, (Attempt(),)))
    assert isinstance(answer, KernelAnswer)
    assert judge_answer(answer, 0).verdict is KernelVerdict.ACCEPT
    assert answer.attempts[0].runs[0].maps[0] == ((bytes(4), bytes(4) + (1).to_bytes(4, "little")),)


@pytest.mark.parametrize("extra", [0, 1 << 44])
def test_an_arena_lies_where_the_case_says_or_anywhere(
    kernel: KernelSession, features: Features, extra: int
) -> None:
    if features.release not in Since("6.9"):
        pytest.skip("arenas came with 6.9")
    lines = ["r1 = map[0]", "r2 = 4096", ".8byte bf22010001000000", "*(u64 *)(r2 +0) = 7", "r0 = 0", "exit"]
    spec = MapSpec(MapType.ARENA, 0, 0, 2, 1 << 10, "arena", extra=extra)
    case = Case(Program(ProgramType.SYSCALL, parse(lines), (spec,), flags=LoadFlag.SLEEPABLE))
    for _ in range(3):
        answer = kernel.run(Job(case, (Attempt(),)))
        assert isinstance(answer, KernelAnswer)
        ruling = judge_answer(answer, 0)
        assert ruling.verdict is KernelVerdict.ACCEPT, (ruling, answer.attempts)
        assert answer.attempts[0].runs[0].errno == 0
