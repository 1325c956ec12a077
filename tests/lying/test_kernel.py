"""The stand-in itself: what it is told to answer arrives, through the real session."""

from __future__ import annotations

import random

from conformance.kernel.jobs import Jit, Job, KernelAnswer, KernelVerdict, LossReason, Lost
from conformance.observing.question import Attempts
from generators.profiles import Profile
from generators.recipes import draw
from tests.lying import model
from tests.lying.asking import observe
from tests.lying.kernel import LyingKernel
from tests.lying.recorded import everything
from tests.lying.test_honest import accusations

VALID = Profile(near_misses_in=0, daring_in=0, unprivileged_in=3)
"""What the model can judge: programs that are refused for what a run does, or not at all."""


def test_recorded_answers_arrive_as_they_were_recorded() -> None:
    records = everything()[:60]
    with LyingKernel(records=records).session() as session:
        answers = session.run_all(record.job for record in records)
    assert answers == [record.answer for record in records]


def test_the_model_is_honest() -> None:
    """Programs the recorder never saw: the model accepts them, and nobody has reason to accuse it."""
    accepted, logs = 0, 0
    kernel = LyingKernel()
    with kernel.session() as session:
        for number in range(60):
            generated = draw(random.Random(number), VALID).make()
            job = Job(generated.case, Attempts.ALL.value)
            answer = session.run(job)
            assert isinstance(answer, KernelAnswer)
            seen = observe(generated, answer)
            assert accusations(seen, model.JUDGED) == []
            accepted += seen.ruling.verdict is KernelVerdict.ACCEPT
            logs += seen.exploration is not None and seen.exploration.root is not None
    # What the interpreter does not follow (Bloom filters, structures of the kernel's, say) the model does not
    # take either.
    assert accepted >= 52
    assert logs > 30


def test_the_model_refuses_what_traps() -> None:
    for record in everything():
        if any(type(outcome).__name__ == "Trapped" for outcome, _ in record.seen().runs):
            seen = record.seen(model.answer(record.job))
            assert seen.ruling.verdict is KernelVerdict.REJECT, record.name
            assert accusations(seen, model.JUDGED) == []


def test_a_wrong_operation_shows_in_that_engine_only() -> None:
    record = everything()[-1]
    honest = model.outcomes(record.generated.case)
    with model.wrong_operation(*range(256)):
        assert model.outcomes(record.generated.case) != honest
    assert [outcome for outcome, _ in model.outcomes(record.generated.case)] == [
        outcome for outcome, _ in honest
    ]


def test_a_machine_that_goes_away_is_a_loss() -> None:
    guilty = everything()[3].job

    def lie(job: Job, answer: KernelAnswer) -> KernelAnswer | LossReason:
        return (
            LossReason.PANIC if job.case.program.instructions == guilty.case.program.instructions else answer
        )

    with LyingKernel(lie, everything()[:8]).session() as session:
        answers = session.run_all(record.job for record in everything()[:8])
    assert [isinstance(answer, Lost) for answer in answers] == [number == 3 for number in range(8)]
    assert Jit.ON in {attempt.jit for attempt in guilty.attempts}
