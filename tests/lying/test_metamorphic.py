"""Metamorphic fires where a kernel tells apart what does the same, and is silent where it may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign.store import Store
from conformance.kernel.jobs import Job, KernelAnswer
from conformance.observing.door import Door
from conformance.observing.observation import Observation
from conformance.observing.question import Attempts, Question
from conformance.properties import metamorphic
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from conformance.properties.registry import PROPERTIES
from ebpf import casefile
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program import Case, LoadFlag
from generators.programs import Generated
from reports.records import Accepts, Refuses, Returns
from tests.lying import lies, small
from tests.lying.asking import NOBODY
from tests.lying.campaign import ran
from tests.lying.kernel import JobLie, LyingKernel
from tests.lying.test_replay import replayed

SOURCE = """
    r6 = *(u32 *)(r1 +8)
    r7 = 5
    r6 &= 63
    w8 = -1
    if r6 > r7 goto pc+1
    r6 += r7
    r0 = r6
    r1 = map[0][0]+0
    *(u64 *)(r1 +0) = r8
    exit
"""
UNSAFE = """
    r6 = *(u32 *)(r1 +8)
    r7 = r10
    r7 += r6
    r0 = *(u8 *)(r7 +0)
    exit
"""
SPILL = o.STX | o.MEM | o.DW
SAYS = "R6 is refused by a lie"
REFUSED = lies.refused(13, f"0: (b7) r0 = 0\n{SAYS}\n" + lies.PROCESSED)


def when(holds: Callable[[Case], bool], lie: lies.Lie) -> JobLie:
    """A lie about programs of which something holds."""
    return lambda job, answer: lie(answer) if holds(job.case) else answer


def has(condition: Callable[[Insn], bool]) -> Callable[[Case], bool]:
    return lambda case: any(map(condition, case.program.instructions))


def is_spill(insn: Insn) -> bool:
    return insn.opcode == SPILL and insn.dst == 10


def is_mask(insn: Insn) -> bool:
    return insn.opcode == o.AND | o.K | o.ALU64


def prunes(answer: KernelAnswer) -> KernelAnswer:
    return lies.with_line("from 4 to 6: safe")(answer) if not answer.attempts[0].errno else answer


def judged(
    lie: JobLie, source: str = SOURCE, release: str = "6.12.117-lying", made: Generated | None = None
) -> dict[str, Judgement]:
    """What is said, by transformation."""
    made = made or small.program(source, 5, 60, maps=(small.OUT,))
    with LyingKernel(lie, release=release).session() as session:
        door = Door.of_session(session, NOBODY)
        observation = door.observe(Question(made, Attempts.RUN.value, None))
        assert isinstance(observation, Observation)
        said = door.judge(observation, PROPERTIES[metamorphic.KIND])
    names = [transformation.name for transformation, _ in metamorphic.changed(said.observation)]
    assert len(names) == len(said.judgements)
    return dict(zip(names, said.judgements, strict=True))


def accused(judgements: dict[str, Judgement]) -> dict[str, Disagreement]:
    return {name: each for name, each in judgements.items() if isinstance(each, Disagreement)}


def test_a_right_kernel_is_agreed_with() -> None:
    said = judged(lambda job, answer: answer)
    assert len(said) >= 9
    assert set(map(type, said.values())) == {Agreement}


def test_a_refused_spill_is_found() -> None:
    found = accused(judged(when(has(is_spill), REFUSED)))
    assert list(found) == ["spill and fill"]
    (disagreement,) = found.values()
    assert str(disagreement.signature) == "metamorphic:spill and fill:refused:R is refused by a lie"
    assert isinstance(disagreement.right, Accepts)
    assert disagreement.right.case is not None
    assert any(map(is_spill, casefile.from_plain(disagreement.right.case).program.instructions))


def test_a_refused_mask_is_found_by_shifts() -> None:
    found = accused(judged(when(has(is_mask), REFUSED)))
    assert list(found) == ["shifted masks"]
    assert found["shifted masks"].right == Accepts(SAYS)


def test_swapped_operands_change_no_verdict_in_either_direction() -> None:
    less = o.JLT | o.X | o.JMP
    for opcode in (less, o.JGT | o.X | o.JMP):
        found = accused(judged(when(has(lambda insn, opcode=opcode: insn.opcode == opcode), REFUSED)))  # type: ignore[misc]
        assert "swapped operands" in found
    # Before 6.8 a constant was looked for on the right only.
    for release in ("6.1.170-lying", "6.6.3-lying"):
        silent = judged(when(has(lambda insn: insn.opcode == less), REFUSED), release=release)
        assert isinstance(silent["swapped operands"], Abstention)


@pytest.mark.parametrize("name", ["state frequency", "states everywhere"])
def test_a_path_left_out_wrongly_is_found(name: str) -> None:
    """The program reads above the stack; with states kept often it is accepted."""

    def often(case: Case) -> bool:
        return LoadFlag.TEST_STATE_FREQ in case.program.flags

    found = accused(judged(when(often, lies.accept), UNSAFE))
    assert name in found
    assert found[name].right is not None
    assert isinstance(found[name].right, Refuses)
    assert found[name].signature.parts == (name, "accepted", "stack-bounds")
    assert isinstance(judged(lambda job, answer: answer, UNSAFE)[name], Agreement)


def test_where_paths_were_left_out_only_names_may_not_matter() -> None:
    """A kernel that prunes may come by other states when instructions are added; registers are all alike."""

    def lie(job: Job, answer: KernelAnswer) -> KernelAnswer:
        return prunes(REFUSED(answer) if job.case.program.instructions != original else answer)

    original = small.program(SOURCE, 5, maps=(small.OUT,)).case.program.instructions
    found = accused(judged(lie))
    assert set(found) == {"renamed registers", "swapped operands", "reordered instructions"}


def test_without_privilege_numbers_are_not_kept_on_the_stack() -> None:
    """Spilled and filled, a mask of an unprivileged program on 7.3 was forgotten, rightly."""

    def unprivileged(job: Job, answer: KernelAnswer) -> KernelAnswer:
        return REFUSED(answer) if has(is_spill)(job.case) else answer

    made = small.program(SOURCE, 5, maps=(small.OUT,))
    made = replace(made, case=replace(made.case, capabilities=()))
    said = judged(unprivileged, made=made)
    assert said["spill and fill"] == Abstention(
        "refused when changed, where paths that are left out may decide"
    )
    assert said["more privilege"] == Agreement()


def test_limits_accuse_nobody() -> None:
    large = lies.refused(7, "BPF program is too large. Processed 1000001 insn\n" + lies.PROCESSED)
    said = judged(when(has(is_spill), large))
    assert said["spill and fill"] == Abstention("a limit of how programs are written")


def test_other_results_are_found_on_the_program_that_is_wrong() -> None:
    moved, negative = o.MOV | o.K | o.ALU, -2

    def wrong(case: Case) -> bool:
        return has(lambda insn: (insn.opcode, insn.imm) == (moved, negative))(case)

    lie = lies.attempt(0, lies.every_run(lies.wrong_map_byte(4)))
    found = accused(judged(when(wrong, lie)))
    assert list(found) == ["split and merged constants"]
    (disagreement,) = found.values()
    assert str(disagreement.signature) == "metamorphic:split and merged constants:result"
    right = disagreement.right
    assert isinstance(right, Returns)
    assert right.case is not None
    assert len(casefile.from_plain(right.case).inputs) == 1
    (entry,) = right.entries
    assert entry.value is not None
    assert entry.value[:8] == (0xFFFF_FFFF).to_bytes(8, "little")


def test_a_run_finds_and_reduces_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    minds = when(has(is_mask), REFUSED)
    ran(tmp_path, LyingKernel(minds), monkeypatch, kinds=(metamorphic.KIND,), examples=30)
    found = list(Store(tmp_path).findings().values())
    assert found
    assert {each.signature for each in found} == {"metamorphic:shifted masks:refused:R is refused by a lie"}
    smallest = min(found, key=lambda each: len((each.case or {})["program"]["instructions"]))
    assert len(casefile.from_plain(smallest.case or {}).program.instructions) <= 12
    path = tmp_path / "findings" / smallest.id
    assert replayed(path, LyingKernel(minds), monkeypatch)[0] == 1
    assert replayed(path, LyingKernel(), monkeypatch)[0] == 0
