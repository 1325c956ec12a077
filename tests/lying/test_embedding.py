"""Embedding fires where a kernel takes for impossible what a run shows, and only where its own run shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.campaign.store import Store
from conformance.kernel.jobs import Job, KernelAnswer
from conformance.observing.door import Door
from conformance.observing.observation import Observation
from conformance.observing.question import Attempts, Question
from conformance.properties import embedding
from conformance.properties.embedding.programs import embeddings
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from conformance.properties.registry import PROPERTIES
from ebpf import casefile
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from oracles.interpreter import Returned, Trapped, run
from oracles.interpreter.runs import STEP_LIMIT
from tests.lying import lies, small
from tests.lying.asking import NOBODY
from tests.lying.campaign import ran
from tests.lying.kernel import JobLie, LyingKernel
from tests.lying.test_replay import replayed

BAD = Insn(o.LDX | o.MEM | o.DW, 0, 10, 8)
SOURCE = """
    r6 = *(u32 *)(r1 +8)
    r6 &= 63
    if r6 > 0x20 goto pc+1
    r6 += 7
    r1 = map[0][0]+0
    *(u64 *)(r1 +0) = r6
    r0 = 0
    exit
"""


def thinks_impossible(job: Job, answer: KernelAnswer) -> KernelAnswer:
    """Every program that reads above the stack is accepted, as if the read were dead."""
    return lies.accept(answer) if BAD in job.case.program.instructions else answer


def other_values(job: Job, answer: KernelAnswer) -> KernelAnswer:
    """That, and every run leaves other numbers in the last map."""
    answer = thinks_impossible(job, answer)
    return (
        lies.attempt(0, lies.every_run(lies.wrong_map_byte(0)))(answer) if answer.attempts[0].runs else answer
    )


def judged(lie: JobLie) -> list[Judgement]:
    made = small.program(SOURCE, 5, maps=(small.OUT,))
    with LyingKernel(lie).session() as session:
        door = Door.of_session(session, NOBODY)
        observation = door.observe(Question(made, Attempts.RUN.value, None))
        assert isinstance(observation, Observation)
        return list(door.judge(observation, PROPERTIES[embedding.KIND]).judgements)


def test_a_right_kernel_refuses_every_embedding() -> None:
    found = judged(lambda job, answer: answer)
    assert len(found) >= 5
    assert set(map(type, found)) == {Agreement}


def test_a_state_thought_impossible_is_found_at_its_first_point() -> None:
    *before, last = judged(thinks_impossible)
    assert before == []
    assert isinstance(last, Disagreement)
    assert str(last.signature) == "embedding:thought impossible:ldx32"
    assert (last.culprit, last.input) == (0, 0)
    assert "R6 = 0x5" in last.statement


def test_what_the_kernel_s_own_run_does_not_show_accuses_nobody() -> None:
    assert set(judged(other_values)) == {Abstention("the kernel's run holds other values")}


def test_the_embedded_read_is_reached_and_every_way_leads_through() -> None:
    """In the interpreter, the oracle that must say so, each embedded program traps, and each probe shows the
    numbers."""
    made = small.program(SOURCE, 5, 60, maps=(small.OUT,))
    with LyingKernel().session() as session:
        observation = Door.of_session(session, NOBODY).observe(Question(made, Attempts.RUN.value, None))
    assert isinstance(observation, Observation)
    found = embeddings(observation)
    assert len(found) >= 5
    for each in found:
        trapped = run(each.illegal, each.illegal.inputs[0], limit=STEP_LIMIT)
        assert isinstance(trapped, Trapped)
        assert each.illegal.program.instructions[trapped.at] == BAD
        probed = run(each.probe, each.probe.inputs[0], limit=STEP_LIMIT)
        assert isinstance(probed, Returned)
        assert probed.maps[-1] is not None
        value = probed.maps[-1][0][1]
        for offset, expected in each.probed:
            assert int.from_bytes(value[offset : offset + 8], "little") == expected


def test_a_run_finds_and_reduces_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran(tmp_path, LyingKernel(thinks_impossible), monkeypatch, kinds=(embedding.KIND,), examples=12)
    found = list(Store(tmp_path).findings().values())
    assert found
    smallest = min(len(casefile.from_plain(each.case).program.instructions) for each in found)
    assert smallest <= 24
    assert {each.severity.value for each in found} == {"high"}
    assert {each.bug.family for each in found if each.bug} == {"embedding:thought impossible"}
    path = tmp_path / "findings" / found[0].id
    assert replayed(path, LyingKernel(thinks_impossible), monkeypatch)[0] == 1
    assert replayed(path, LyingKernel(), monkeypatch)[0] == 0
