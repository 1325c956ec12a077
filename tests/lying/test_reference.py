"""What the reference verifier adds: lies that no input of the case shows, and refusals of what is safe."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from conformance.kernel.jobs import KernelAnswer
from conformance.observing.observation import Observation
from conformance.observing.opinions import THOROUGH
from conformance.properties.judgement import Disagreement
from ebpf.program import Input
from generators.programs import Purpose
from tests.lying import lies
from tests.lying.asking import judgements_of, observe, with_witness
from tests.lying.recorded import Recorded
from tests.lying.test_accusations import NEAR_MISSES, UNSAFE_RECORDS, runnable
from tests.lying.test_honest import records
from tests.lying.unsafe import UNSAFE

HARMLESS = (Input(bytes(64)),)


def seen(
    record: Recorded, answer: KernelAnswer | None = None, *, inputs: tuple[Input, ...] | None = None
) -> Observation:
    """As a property sees it that asks the reference verifier; nothing is known of what the program was made
    for."""
    case = record.generated.case
    case = replace(case, inputs=case.inputs if inputs is None else inputs)
    made = replace(record.generated, case=case, purpose=Purpose.DARING, intent=None)
    return observe(made, answer or record.answer, record.release, budget=THOROUGH)


def accused(observation: Observation, kind: str) -> list[Disagreement]:
    return [
        judgement for judgement in judgements_of(kind, observation) if isinstance(judgement, Disagreement)
    ]


@pytest.mark.parametrize("record", records(), ids=lambda record: record.name)
def test_no_honest_answer_is_accused(record: Recorded) -> None:
    for kind in ("soundness", "rule", "bounds", "precision"):
        found = [what for what in accused(seen(record), kind) if not what.gap]
        assert found == []


@pytest.mark.parametrize("record", UNSAFE_RECORDS, ids=lambda record: record.name)
def test_soundness_needs_no_input(record: Recorded) -> None:
    observation = seen(record, lies.accept(record.answer), inputs=())
    what = next(iter(accused(observation, "soundness")), None)
    assert what is not None
    assert str(what.signature).startswith(f"soundness:{UNSAFE[record.generated.case.name]}:")
    assert what.witness is not None
    # The witness as the case's input: then a run shows it, and says the values.
    again, told = with_witness(observation, what)
    assert again.case == what.witness
    assert (told.signature, told.input) == (what.signature, 0)


def test_bounds_needs_no_input() -> None:
    """R2 is claimed to be at most 100, and the input makes it 0."""
    record = next(record for record in UNSAFE_RECORDS if record.generated.case.name == "mask too wide")
    answer = lies.attempt(0, lambda loaded: replace(loaded, log=loaded.log.replace("=127", "=100")))(
        lies.accept(record.answer)
    )
    assert answer != lies.accept(record.answer)
    assert accused(seen(record, lies.accept(record.answer), inputs=HARMLESS), "bounds") == []
    what, *_ = accused(seen(record, answer, inputs=HARMLESS), "bounds")
    assert what.witness is not None
    again, told = with_witness(seen(record, answer, inputs=HARMLESS), what)
    assert again.case == what.witness
    assert told.signature == what.signature


def test_rule_needs_no_near_miss() -> None:
    """Programs that break a rule, of which nobody says so."""
    fired: dict[str, Recorded] = {}
    for record in NEAR_MISSES:
        for what in accused(seen(record, lies.accept(record.answer)), "rule"):
            fired.setdefault(what.signature.parts[0], record)
    assert len(fired) >= 11, sorted(fired)
    assert {"pointer-leak", "return-range", "pointer-arithmetic", "unreachable"} & fired.keys()


def test_precision_fires_on_a_safe_program_refused() -> None:
    refuse = lies.refused(
        errno.EACCES, "0: (b7) r0 = 0\nR2 min value is outside of the allowed memory range\n" + lies.PROCESSED
    )
    fired = gaps = 0
    privileged = [record for record in runnable() if record.generated.case.capabilities is None][:20]
    for record in privileged:
        for what in accused(seen(record, refuse(record.answer)), "precision"):
            gap = "gap:" if what.gap else ""
            assert str(what.signature) == f"precision:{gap}R min value is outside of the allowed memory range"
            fired += not what.gap
            gaps += what.gap
    assert fired + gaps >= len(privileged) // 2
    assert fired >= len(privileged) // 3


def test_precision_does_not_fire_without_a_verdict() -> None:
    record = runnable()[0]
    for lie in (lies.refused(errno.ENOSPC), lies.refused(errno.EINVAL), lies.accept):
        assert accused(seen(record, lie(record.answer)), "precision") == []
