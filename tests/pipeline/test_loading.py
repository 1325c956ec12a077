"""Rows 7 and 11 to 15: loading, by whom, what the kernel makes of a map's descriptor, where it refuses, and
the two ways to run."""

from __future__ import annotations

import errno
import itertools
import random

import pytest

from conformance.kernel.features import probe
from conformance.kernel.jobs import Attempt, Jit, Job, KernelAnswer, KernelVerdict
from conformance.kernel.session import KernelSession
from conformance.kernel.verdicts import judge_answer
from conformance.observing.opinions import THOROUGH, opinion
from ebpf import rules
from ebpf.assembly import parse
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn, decode
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType as T
from ebpf.rules import Phase
from generators.profiles import profile_for
from generators.programs import Generated, Purpose
from generators.recipes import draw
from oracles.interpreter import Returned, run
from oracles.interpreter.runs import STEP_LIMIT
from oracles.reference import ReferenceVerdict
from tests.pipeline.sweeps import PLAIN, plain
from tests.vm.talk import counter

pytestmark = pytest.mark.vm


def case(
    text: str, *maps: MapSpec, kind: T = T.SOCKET_FILTER, capabilities: tuple[str, ...] | None = None
) -> Case:
    return Case(Program(kind, parse(text.split("; ")), maps), (Input(bytes(64)),), capabilities)


def answer(kernel: KernelSession, job: Job) -> KernelAnswer:
    got = kernel.run(job)
    assert isinstance(got, KernelAnswer), got
    return got


REGISTERS = {
    "R0 is the result": ("r1 = 0; exit", rules.NO_RETURN_VALUE),
    "R1 to R5 are garbage after a call": (
        "r1 = 7; call bpf_get_prandom_u32#7; r0 = r1; exit",
        rules.SCRATCHED_REGISTER,
    ),
    "R2 is unset at the start": ("r0 = r2; exit", rules.UNINITIALISED_REGISTER),
    "R10 is read-only": ("r10 = 0; r0 = 0; exit", rules.FRAME_POINTER_WRITTEN),
    "R10 is not moved": ("r10 += -8; r0 = 0; exit", rules.FRAME_POINTER_WRITTEN),
}
KEPT = (
    "r6 = 1; r7 = 2; r8 = 3; r9 = 4; call bpf_get_prandom_u32#7; r0 = r6; r0 += r7; r0 += r8; r0 += r9; exit"
)


@pytest.mark.parametrize("name", REGISTERS)
def test_row_07_rules_of_registers(kernel: KernelSession, name: str) -> None:
    """Kernel and both oracles; to the oracles a register that a call scratched is one that nobody wrote
    since."""
    text, rule = REGISTERS[name]
    asked = case(text)
    assert judge_answer(answer(kernel, Job(asked, (Attempt(run=False),))), 0).verdict is KernelVerdict.REJECT
    found = opinion(asked, THOROUGH)
    assert found.verdict is ReferenceVerdict.UNSAFE
    wanted = {rule, rules.UNINITIALISED_REGISTER} if rule is rules.SCRATCHED_REGISTER else {rule}
    outcome = run(asked, asked.inputs[0], limit=STEP_LIMIT)
    assert found.rule in wanted
    assert getattr(outcome, "rule", None) in wanted


def test_row_07_r6_to_r9_are_kept(kernel: KernelSession) -> None:
    asked = case(KEPT)
    assert opinion(asked, THOROUGH).verdict is ReferenceVerdict.SAFE
    assert answer(kernel, Job(asked, (Attempt(),))).attempts[0].runs[0].retval == 10


def test_row_11_the_kernel_puts_its_map_where_the_descriptor_was(kernel: KernelSession) -> None:
    """resolve_pseudo_ldimm64: shown again with the map's id, whatever the descriptor was; the slot that held
    the index holds it."""
    loaded = answer(kernel, Job(counter(), (Attempt(run=False, translated=True),))).attempts[0]
    assert loaded.translated is not None
    insns = decode(loaded.translated)
    (at,) = [n for n, insn in enumerate(insns) if insn.opcode == o.LD_IMM64]
    assert insns[at].src == o.PSEUDO_MAP_FD
    assert insns[at].imm > 0
    assert insns[at + 1] == Insn(0)
    again = answer(kernel, Job(counter(), (Attempt(run=False, translated=True),))).attempts[0]
    assert again.translated is not None
    assert decode(again.translated)[at].imm > insns[at].imm, (
        "ids are not given twice (kernel/bpf/syscall.c, bpf_map_alloc_id)"
    )


ADDS = (
    "*(u32 *)(r10 -4) = 1; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == 0 goto "
    "pc+4; "
    "r1 = *(u64 *)(r0 +0); r1 += 1; *(u64 *)(r0 +0) = r1; r0 = r1; exit"
)


def test_row_12_both_sides_read_what_the_other_wrote(kernel: KernelSession) -> None:
    """User space by descriptor, the program by pointer."""
    key, value = (1).to_bytes(4, "little"), (41).to_bytes(8, "little")
    filled = MapSpec(MapType.ARRAY, 4, 8, 4, name="shared", contents=((key, value),))
    ran = answer(kernel, Job(case(ADDS, filled), (Attempt(),))).attempts[0].runs[0]
    assert ran.retval == 42
    assert ran.maps[0] is not None
    assert dict(ran.maps[0]) == {
        n.to_bytes(4, "little"): (42 * (n == 1)).to_bytes(8, "little") for n in range(4)
    }


SINGLE = ("CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON", "CAP_SYS_ADMIN")
SETS: tuple[tuple[str, ...], ...] = tuple(
    chosen for size in range(len(SINGLE) + 1) for chosen in itertools.combinations(SINGLE, size)
)
NEEDS_NETWORK, NEEDS_TRACING = (
    {T.SCHED_CLS, T.XDP, T.LWT_IN, T.SOCK_OPS},
    {T.KPROBE, T.TRACEPOINT, T.RAW_TRACEPOINT, T.PERF_EVENT},
)


@pytest.fixture(scope="module")
def matrix(kernel: KernelSession) -> dict[tuple[T, frozenset[str]], bool]:
    """Whether a program that returns 0 is accepted, by type and capabilities."""
    kinds = [kind for kind in PLAIN if kind is not T.LIRC_MODE2]
    got = kernel.run_all(
        [
            Job(plain(kind), tuple(Attempt(run=False, capabilities=chosen) for chosen in SETS))
            for kind in kinds
        ]
    )
    found: dict[tuple[T, frozenset[str]], bool] = {}
    for kind, each in zip(kinds, got, strict=True):
        assert isinstance(each, KernelAnswer)
        for chosen, loaded in zip(SETS, each.attempts, strict=True):
            found[kind, frozenset(chosen)] = loaded.errno == 0
    return found


def test_row_13_who_may_load_what(matrix: dict[tuple[T, frozenset[str]], bool]) -> None:
    """kernel/bpf/syscall.c, bpf_prog_load: is_net_admin_prog_type, is_perfmon_prog_type."""
    everyone = {kind for kind, chosen in matrix if not chosen and matrix[kind, chosen]}
    assert everyone == {T.SOCKET_FILTER, T.CGROUP_SKB}
    assert all(matrix[kind, frozenset({"CAP_SYS_ADMIN"})] for kind, _ in matrix)
    for kind in NEEDS_NETWORK:
        assert not matrix[kind, frozenset({"CAP_BPF", "CAP_PERFMON"})]
        assert matrix[kind, frozenset({"CAP_BPF", "CAP_NET_ADMIN"})]
    for kind in NEEDS_TRACING:
        assert not matrix[kind, frozenset({"CAP_BPF", "CAP_NET_ADMIN"})]
        assert matrix[kind, frozenset({"CAP_BPF", "CAP_PERFMON"})]


def test_row_13_more_privilege_never_turns_accept_into_reject(
    matrix: dict[tuple[T, frozenset[str]], bool],
) -> None:
    for (kind, chosen), accepted in matrix.items():
        assert not accepted or all(matrix[kind, chosen | {more}] for more in SINGLE), (kind, chosen)


def test_row_13_limits_of_size(kernel: KernelSession) -> None:
    """BPF_MAXINSNS (4096) without privilege, more with it."""

    def loads(slots: int, capabilities: tuple[str, ...] | None) -> bool:
        code = (*[Insn(o.MOV | o.K | o.ALU64, 0)] * (slots - 1), Insn(o.EXIT | o.JMP))
        program = Program(T.SOCKET_FILTER, code)
        return (
            answer(kernel, Job(Case(program, capabilities=capabilities), (Attempt(run=False),)))
            .attempts[0]
            .errno
            == 0
        )

    assert (loads(4096, ()), loads(4097, ()), loads(4097, None)) == (True, False, True)


def test_row_13_a_million_with_privilege(kernel: KernelSession) -> None:
    """BPF_COMPLEXITY_LIMIT_INSNS (include/linux/bpf.h): one slot more is E2BIG before anything is looked
    at."""
    code = (*[Insn(o.MOV | o.K | o.ALU64, 0)] * 1_000_000, Insn(o.EXIT | o.JMP))
    got = answer(kernel, Job(Case(Program(T.SOCKET_FILTER, code)), (Attempt(run=False),))).attempts[0]
    assert (got.errno, got.log) == (errno.E2BIG, "")


def test_row_14_refusals_come_from_the_phase_that_the_rule_names(kernel: KernelSession) -> None:
    """Near misses of the generator, each of one rule."""
    features = probe(kernel)
    profile, rng = profile_for(features.release), random.Random(14)
    made: list[Generated] = []
    while len(made) < 150:
        generated = draw(rng, profile).make()
        if generated.purpose is Purpose.NEAR_MISS:
            made.append(generated)
    got = kernel.run_all([Job(each.case, (Attempt(run=False),)) for each in made])
    phases, wrong, refused = set(), [], 0
    for each, one in zip(made, got, strict=True):
        assert each.rule is not None
        ruling = judge_answer(one, 0, features.support(each.case.program))
        if ruling.verdict is KernelVerdict.REJECT:
            phases.add(each.rule.phase)
            refused += 1
            if ruling.phase is not each.rule.phase_in(features.release):
                wrong.append((each.rule.name, ruling.phase, ruling.message))
    assert refused > 100
    assert {Phase.CFG, Phase.WALK} <= phases
    assert wrong == []


PHASES = {
    Phase.LOAD: "r0 = 0; r1 = map[0][0]+64; exit",
    Phase.CFG: "r0 = 0; exit; r0 = 1; exit",
    Phase.WALK: "r0 = r9; exit",
    Phase.FIXUP: "call pc+2; r0 = 0; exit; *(u64 *)(r10 -512) = r1; call pc+1; exit; *(u64 *)(r10 -512) = "
    "r1; r0 = 0; exit",
}
"""resolve_pseudo_ldimm64 (an address beyond the map's value), check_cfg, do_check, check_max_stack_depth."""


@pytest.mark.parametrize("phase", PHASES)
def test_row_14_every_phase_refuses_and_is_told_from_the_others(kernel: KernelSession, phase: Phase) -> None:
    asked = case(PHASES[phase], *([MapSpec(MapType.ARRAY, 4, 8, 1)] if phase is Phase.LOAD else []))
    ruling = judge_answer(
        answer(kernel, Job(asked, (Attempt(run=False),))), 0, probe(kernel).support(asked.program)
    )
    assert (ruling.verdict, ruling.phase) == (KernelVerdict.REJECT, phase), ruling.message


NEEDS_JIT = ("not allowed in non-JITed programs", "JIT is required for calling kernel function")
"""The kernel's interpreter does not call back, nor call kernel functions."""


def test_row_15_generated_programs_under_both(kernel: KernelSession) -> None:
    """Forty that are valid, on each of their inputs whose outcome can be foretold: results and maps are
    compared."""
    features = probe(kernel)
    profile, rng = profile_for(features.release), random.Random(15)
    made = [each for _ in range(150) if (each := draw(rng, profile).make()).purpose is Purpose.VALID][:40]
    assert len(made) == 40
    compared = 0
    for each, one in zip(
        made,
        kernel.run_all([Job(each.case, (Attempt(Jit.ON), Attempt(Jit.OFF))) for each in made]),
        strict=True,
    ):
        assert isinstance(one, KernelAnswer)
        compiled, walked = one.attempts
        if any(text in walked.log for text in NEEDS_JIT):
            continue
        assert (compiled.errno == 0) == (walked.errno == 0)
        for data, a, b in zip(each.case.inputs, compiled.runs, walked.runs, strict=False):
            if run(each.case, data, limit=STEP_LIMIT).predictable and not (a.errno or b.errno):
                assert (a.retval, a.maps) == (b.retval, b.maps)
                compared += 1
    assert compared > 60


def test_row_15_jit_and_interpreter_give_the_same(kernel: KernelSession) -> None:
    filled = MapSpec(MapType.ARRAY, 4, 8, 4, name="shared")
    asked = case(ADDS, filled)
    compiled, walked = answer(kernel, Job(asked, (Attempt(Jit.ON), Attempt(Jit.OFF)))).attempts
    assert compiled.jited_length > 0 == walked.jited_length
    assert (compiled.runs[0].retval, compiled.runs[0].maps) == (walked.runs[0].retval, walked.runs[0].maps)
    ours = run(asked, asked.inputs[0], limit=STEP_LIMIT)
    assert isinstance(ours, Returned)
    assert ours.r0 == compiled.runs[0].retval == 1
