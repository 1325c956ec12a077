"""Probes against kernels whose release says what they must have."""

from __future__ import annotations

import re

import pytest

from conformance.kernel.features import Answer3, Features, probe
from conformance.kernel.features.answers import FeatureKind
from conformance.kernel.session import KernelSession
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import LoadFlag, Program
from ebpf.program_types import ProgramType
from tests.conformance.kernel.cases import EXIT, mov

pytestmark = pytest.mark.vm

# gotol is not here: Debian's 6.1 has it, though it came with 6.6.
SINCE = [
    (FeatureKind.INSTRUCTION, "atomic_xchg64", (5, 12)),
    (FeatureKind.INSTRUCTION, "call_kfunc", (5, 13)),
    (FeatureKind.INSTRUCTION, "movsx64_s8", (6, 6)),
    (FeatureKind.INSTRUCTION, "sdiv32_k", (6, 6)),
    (FeatureKind.INSTRUCTION, "may_goto", (6, 9)),
    (FeatureKind.INSTRUCTION, "addr_space_cast_0_1", (6, 9)),
    (FeatureKind.INSTRUCTION, "load_acquire16", (6, 15)),
    (FeatureKind.INSTRUCTION, "gotox", (6, 19)),
    (FeatureKind.PROGRAM_TYPE, "syscall", (5, 14)),
    (FeatureKind.MAP_TYPE, "bloom_filter", (5, 16)),
    (FeatureKind.MAP_TYPE, "arena", (6, 9)),
    (FeatureKind.MAP_TYPE, "insn_array", (6, 19)),
    (FeatureKind.LOAD_FLAG, "test_reg_invariants", (6, 8)),
    (FeatureKind.KERNEL, "log_true_size", (6, 4)),
    (FeatureKind.KERNEL, "perf link", (5, 15)),
]


@pytest.fixture(scope="module")
def features(kernel: KernelSession) -> Features:
    return probe(kernel)


@pytest.mark.parametrize(("kind", "name", "since"), SINCE, ids=[name for _, name, _ in SINCE])
def test_a_kernel_has_what_came_before_it(
    features: Features, kind: FeatureKind, name: str, since: tuple[int, int]
) -> None:
    found = re.match(r"(\d+)\.(\d+)", features.release)
    assert found
    expected = Answer3.YES if (int(found[1]), int(found[2])) >= since else Answer3.NO
    assert features.answer(kind, name) is expected, [row for row in features.rows if row.name == name]


@pytest.mark.parametrize(
    "name", ["jit", "interpreter", "hardening", "unprivileged", "kernel btf", "tracefs", "perf ioctl"]
)
def test_debians_kernels_have_these(features: Features, name: str) -> None:
    assert features.answer(FeatureKind.KERNEL, name) is Answer3.YES


def test_nobody_has_an_indirect_call(features: Features) -> None:
    assert features.answer(FeatureKind.INSTRUCTION, "callx") is Answer3.NO


def test_little_is_left_unclear(features: Features) -> None:
    unclear = {
        row.name
        for row in features.rows
        if row.answer is Answer3.UNKNOWN and row.kind is not FeatureKind.TEST_RUN
    }
    assert unclear <= {"struct_ops", "sleepable"}


def test_what_a_program_needs_is_looked_up(features: Features) -> None:
    plain = Program(ProgramType.SOCKET_FILTER, (mov(0, 0), EXIT), (MapSpec(MapType.ARRAY, 4, 8, 1),))
    assert features.support(plain).missing == ()
    assert features.support(plain).unclear == ()
    indirect = Program(ProgramType.XDP, (mov(0, 0), Insn(0x8D, 1), EXIT), flags=LoadFlag.TEST_STATE_FREQ)
    assert features.support(indirect).missing == ("instruction callx",)
