"""The judge: sampled inputs first, then Z3 for each claim; whatever leaves a claim is run before it accuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.properties import bounds
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement, Kind
from conformance.properties.observation import STEP_LIMIT, Observation
from conformance.properties.transfer.inputs import WORDS, header, input_of, samples, words_of
from conformance.properties.transfer.walk import Claimed, Lost, Point, Unexplored, walk
from ebpf.program import Input
from oracles.interpreter import Step, run
from oracles.paths import Nothing, solve, symbols
from oracles.reference.terms import negation

MAX_POINTS = 256
"""Claims judged per program; generated experiments have a tenth."""


def judge(seen: Observation) -> Iterator[Judgement]:
    """One judgement per claim and unexplored branch, up to the first that is wrong: later ones may follow from it."""
    reason = bounds.unreadable(seen)
    skipped = header(seen.case.program.type)
    if reason is not None or seen.exploration is None:
        yield Abstention(reason or "no log")
        return
    if skipped is None:
        yield Abstention("a type whose packet is not followed")
        return
    found = _given(seen, skipped)
    if found is not None:
        yield found
        return
    for number, point in enumerate(walk(seen.exploration, symbols(WORDS))):
        if number == MAX_POINTS:
            yield Abstention("too many claims")
            return
        judgement = _judge_point(seen, point, skipped)
        yield judgement
        if isinstance(judgement, Disagreement):
            return


def _given(seen: Observation, skipped: int) -> Disagreement | None:
    """What one of the case's own inputs shows."""
    for number, data in enumerate(seen.case.inputs):
        words = words_of(data, skipped)
        if words is not None and _leaves(seen, words):
            judgement = _confirm(seen, number, data)
            if isinstance(judgement, Disagreement):
                return judgement
    return None


def _leaves(seen: Observation, words: tuple[int, ...]) -> bool:
    """Whether an input leaves a claim on its path, or goes where the kernel did not."""
    assert seen.exploration is not None
    return any(_is_wrong(point) for point in walk(seen.exploration, words))


def _is_wrong(point: Point) -> bool:
    return isinstance(point, Unexplored) or (isinstance(point, Claimed) and point.holds is False)


def _judge_point(seen: Observation, point: Point, skipped: int) -> Judgement:
    if isinstance(point, Lost):
        return Abstention(point.reason)
    form = seen.form_name(point.at)
    wrong = (negation(point.holds),) if isinstance(point, Claimed) else ()
    answer = solve((*point.conditions, *wrong), symbols(WORDS))
    if answer is Nothing.NONE:
        return Agreement(form)
    if answer is Nothing.UNKNOWN:
        answer = next((words for words in samples(seen) if _leaves(seen, words)), answer)
    if isinstance(answer, Nothing):
        return Abstention("solver", form)
    return _confirm(seen, len(seen.case.inputs), input_of(answer, skipped))


def _confirm(seen: Observation, number: int, data: Input) -> Judgement:
    """Run the input: only what the interpreter does on the path the log shows accuses the kernel."""
    trace: list[Step] = []
    run(seen.case, data, trace=trace, limit=STEP_LIMIT)
    judgement = bounds.judge_run(seen, number, tuple(trace))
    if not isinstance(judgement, Disagreement):
        # The terms say that the claim is wrong and the run does not: one of our oracles is.
        return Abstention("not confirmed by the interpreter")
    signature = ":".join([Kind.TRANSFER.value, *judgement.signature.split(":")[1:]])
    given = number < len(seen.case.inputs)
    return replace(judgement, kind=Kind.TRANSFER, signature=signature, witness=None if given else data)
