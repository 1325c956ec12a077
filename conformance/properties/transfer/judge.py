"""The judge: sampled inputs first, then Z3 for each claim; whatever leaves a claim is run before it
accuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from conformance.observing.observation import STEP_LIMIT, Observation
from conformance.properties import bounds
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from conformance.properties.transfer.inputs import WORDS, header, input_of, samples, words_of
from conformance.properties.transfer.points import Claimed, Point, Unexplored, WalkEnd
from conformance.properties.transfer.precision import excess, is_measured
from conformance.properties.transfer.walk import walk
from ebpf.program import Input
from generators.experiments import is_experiment
from generators.programs import Generated
from oracles.interpreter import Step, run
from oracles.paths import Nothing, refuted, solve, symbols
from oracles.paths.solver import BUDGET
from oracles.terms.term import Condition, conjunction, disjunction, negation

KIND = "transfer"
OTHERS_EVERY = 48
"""Programs that are no experiments, per one that is judged: it takes longer than other properties do."""
MAX_POINTS = 256
"""Claims judged per program; generated experiments have a tenth."""
ALL = 1_000_000
"""Budget for the question whether anything at all is wrong with a program's claims."""


def is_asked(number: int, generated: Generated) -> bool:
    """Whether a run has its program ``number`` judged."""
    return number % OTHERS_EVERY == 0 or is_experiment(generated)


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per claim and unexplored branch, up to the first that is wrong: later ones may follow
    from it."""
    reason = bounds.unreadable(observation)
    skipped = header(observation.case.program.type)
    if reason is not None or observation.exploration is None:
        yield Abstention(reason or "no log")
        return
    if skipped is None:
        yield Abstention("a type whose packet is not followed")
        return
    found = _given(observation, skipped)
    if found is not None:
        yield found
        return
    points = walk(observation.exploration, symbols(WORDS), observation.byte_order)
    questions = [(point, _wrong(point)) for point in islice(points, MAX_POINTS)]
    if len(questions) == MAX_POINTS:
        yield Abstention("too many claims")
        return
    # All at once takes half the time of one after the other, and nearly always there is nothing to be found.
    nothing_wrong = refuted(disjunction(*[wrong for _, wrong in questions]), ALL)
    measured = is_measured(observation)
    for point, wrong in questions:
        judgement = _judge_point(observation, point, False if nothing_wrong else wrong, skipped)
        if measured and isinstance(judgement, Agreement) and isinstance(point, Claimed):
            judgement = replace(judgement, excess=excess(observation, point))
        # A claim of nothing cannot be wrong: that it was not is no agreement, only how much was given away
        # may be of interest.
        if (
            isinstance(judgement, Agreement)
            and judgement.excess is None
            and isinstance(point, Claimed)
            and point.says_nothing
        ):
            continue
        yield judgement
        if isinstance(judgement, Disagreement):
            return


def _given(observation: Observation, skipped: int) -> Disagreement | None:
    """What one of the case's own inputs shows."""
    for number, data in enumerate(observation.case.inputs):
        words = words_of(data, skipped, observation.byte_order)
        if words is not None and _leaves(observation, words):
            judgement = _confirm(observation, number, data)
            if isinstance(judgement, Disagreement):
                return judgement
    return None


def _leaves(observation: Observation, words: tuple[int, ...]) -> bool:
    """Whether an input leaves a claim on its path, or goes where the kernel did not."""
    assert observation.exploration is not None
    return any(_is_wrong(point) for point in walk(observation.exploration, words, observation.byte_order))


def _is_wrong(point: Point) -> bool:
    return isinstance(point, Unexplored) or (isinstance(point, Claimed) and point.holds is False)


def _wrong(point: Point) -> Condition:
    """When the kernel is wrong there: an input takes the path and leaves the claim, or takes a way that was
    not explored."""
    if isinstance(point, WalkEnd):
        return False
    return conjunction(*point.conditions, negation(point.holds) if isinstance(point, Claimed) else True)


def _judge_point(observation: Observation, point: Point, wrong: Condition, skipped: int) -> Judgement:
    if isinstance(point, WalkEnd):
        return Abstention(point.reason)
    form = observation.form_name(point.at)
    answer = solve([wrong], symbols(WORDS), BUDGET)
    if answer is Nothing.NONE:
        return Agreement(form)
    if answer is Nothing.UNKNOWN:
        answer = next((words for words in samples(observation) if _leaves(observation, words)), answer)
    if isinstance(answer, Nothing):
        return Abstention("solver", form)
    return _confirm(observation, None, input_of(answer, skipped, observation.byte_order))


def _confirm(observation: Observation, number: int | None, data: Input) -> Judgement:
    """Run the input: only what the interpreter does on the path the log shows accuses the kernel.

    ``number`` is its index in the case, None for one the case does not have: the witness then is the case
    with that input alone.
    """
    trace: list[Step] = []
    run(observation.case, data, trace=trace, limit=STEP_LIMIT)
    judgement = bounds.judge_run(observation, number or 0, tuple(trace))
    if not isinstance(judgement, Disagreement):
        # The terms say that the claim is wrong and the run does not: one of our oracles is.
        return Abstention("not confirmed by the interpreter")
    signature = replace(judgement.signature, kind=KIND)
    witness = replace(observation.case, inputs=(data,)) if number is None else None
    return replace(judgement, signature=signature, input=number, witness=witness)
