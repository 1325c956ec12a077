"""Metamorphic: two programs that do the same are judged alike by one kernel, and leave the same.

What a transformation keeps of a verdict is in :mod:`ebpf.transformations.table`.  A verifier that leaves out
a path because a state walked before covers it may leave out another one of the changed program, so that most
transformations hold it to its verdict only where it left out none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from conformance.kernel.jobs import Jit, KernelVerdict, RunResult
from conformance.observing.observation import Observation
from conformance.observing.question import Attempts, Question
from conformance.properties import soundness
from conformance.properties.execution import (
    ENGINES,
    OURS,
    EngineResult,
    beyond_link,
    difference,
    left_in_maps,
    what_is_right,
)
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from conformance.properties.precision import shape
from ebpf import casefile
from ebpf.program import Case
from ebpf.signature import Signature
from ebpf.transformations import TRANSFORMATIONS, Keeps, Transformation
from ebpf.verifier_log.events import PruneLine
from generators.programs import Generated
from oracles.interpreter import Outcome, Returned
from reports.records import Accepts, Refuses, Returns, Right

KIND = "metamorphic"
EVERY, FIRST = 8, 5
"""Programs per one that is judged, and the first: each costs some ten loads."""
LIMIT = re.compile(
    "too large|too complex|too many|stack size|stack frames|back-edge|infinite loop|jump out of range|"
    "unreachable insn|cannot return stack pointer"
)
"""Refusals of how a program is written, not of what it does (kernel/bpf/verifier.c: check_cfg(),
check_max_stack_depth(), BPF_COMPLEXITY_LIMIT_INSNS and its like)."""


def is_asked(number: int, generated: Generated) -> bool:
    """Whether a run has its program ``number`` judged."""
    return number % EVERY == FIRST


def variants(observation: Observation) -> list[Question]:
    """The changed programs; then, of those that were accepted where that may accuse the kernel, what it
    walked."""
    answered = observation.variants.get(KIND)
    if answered is None:
        return [observation.question.about(case).by(Attempts.ONCE) for _, case in changed(observation)]
    if observation.accepted or len(answered) > len(changed(observation)):
        return []
    return [
        other.question.by(Attempts.LOAD)
        for (transformation, _), other in zip(changed(observation), answered, strict=True)
        if other.accepted and transformation.keeps is Keeps.REFUSAL
    ]


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per transformation that fits."""
    if observation.ruling.verdict not in (KernelVerdict.ACCEPT, KernelVerdict.REJECT):
        yield Abstention(f"no verdict: {observation.ruling.reason}")
        return
    made, answered = changed(observation), observation.variants.get(KIND, ())
    if not made:
        yield Abstention("no transformation fits")
        return
    walks = iter(answered[len(made) :])
    for (transformation, case), other in zip(made, answered, strict=False):
        walked = next(walks, None) if _asks_for_walk(observation, transformation, other) else None
        yield _judge_one(observation, transformation, case, other, walked)


def _asks_for_walk(observation: Observation, transformation: Transformation, other: Observation) -> bool:
    return not observation.accepted and other.accepted and transformation.keeps is Keeps.REFUSAL


def changed(observation: Observation) -> list[tuple[Transformation, Case]]:
    """The changed programs to ask about.

    One that was refused is asked about where the refusal is kept, or where a run shows that it is right.
    """
    refused = observation.ruling.verdict is KernelVerdict.REJECT
    if not refused and not observation.accepted:
        return []
    if refused and LIMIT.search(observation.ruling.message):
        return []
    every = not refused or _breaks_a_rule(observation) is not None
    return [
        (each, case)
        for each, case in _changed_in_every_way(observation.case)
        if every or each.keeps in (Keeps.VERDICT, Keeps.REFUSAL)
    ]


@lru_cache(maxsize=64)
def _changed_in_every_way(case: Case) -> tuple[tuple[Transformation, Case], ...]:
    made = ((each, each.apply(case)) for each in TRANSFORMATIONS)
    return tuple((each, other) for each, other in made if other is not None)


def _breaks_a_rule(observation: Observation) -> Disagreement | None:
    """What soundness would say, had the kernel accepted: of runs alone."""
    return next((each for each in soundness.of_runs(observation) if isinstance(each, Disagreement)), None)


def _judge_one(
    observation: Observation,
    transformation: Transformation,
    case: Case,
    other: Observation,
    walked: Observation | None,
) -> Judgement:
    ruling = other.ruling
    if ruling.verdict not in (KernelVerdict.ACCEPT, KernelVerdict.REJECT):
        return Abstention(f"no verdict: {ruling.reason}")
    if observation.accepted and other.accepted:
        return _compare_runs(observation, transformation, other)
    if observation.accepted:
        return _refused(observation, transformation, case, other)
    return _accepted(observation, transformation, case, other, walked) if other.accepted else Agreement()


def _refused(
    observation: Observation, transformation: Transformation, case: Case, other: Observation
) -> Judgement:
    """The kernel accepts the program and refuses the changed one."""
    message = other.ruling.message
    if LIMIT.search(message):
        return Abstention("a limit of how programs are written")
    keeps = transformation.kept(observation.release, observation.case)
    if keeps is not Keeps.VERDICT and (keeps is not Keeps.ACCEPTANCE or _leaves_out(observation)):
        return Abstention("refused when changed, where paths that are left out may decide")
    return Disagreement(
        Signature(KIND, (transformation.name, "refused", shape(message))),
        f"the kernel accepts the program, and refuses one that does the same, by {transformation.name} "
        f"({message}): {transformation.why}",
        right=Accepts(message, casefile.to_plain(case)),
    )


def _accepted(
    observation: Observation,
    transformation: Transformation,
    case: Case,
    other: Observation,
    walked: Observation | None,
) -> Judgement:
    """The kernel refuses the program and accepts the changed one."""
    message = observation.ruling.message
    name, refusal = transformation.name, f"the kernel refuses the program ({message})"
    broken = _breaks_a_rule(other)
    if broken is not None:
        return Disagreement(
            Signature(KIND, (name, "accepted", *broken.signature.parts)),
            f"{refusal}, and rightly; it accepts one that does the same, by {name}",
            input=broken.input,
            right=Refuses(casefile.to_plain(case)),
        )
    keeps = transformation.kept(observation.release, observation.case)
    whole = walked is not None and not _leaves_out(walked)
    if keeps is not Keeps.VERDICT and not (keeps is Keeps.REFUSAL and whole):
        return Abstention("accepted when changed, where paths that are left out may decide")
    return Disagreement(
        Signature(KIND, (name, "refused", shape(message))),
        f"{refusal}, and accepts one that does the same, by {name}: {transformation.why}",
        observation.ruling.instruction,
        right=Accepts(message),
    )


def _leaves_out(observation: Observation) -> bool:
    """Whether the log of a program that was accepted shows, or may hide, a path that was not walked to its
    end."""
    main = observation.main
    if main is None or main.log_truncated or observation.log is None:
        return True
    return any(True for _ in observation.log.of(PruneLine))


def _compare_runs(observation: Observation, transformation: Transformation, other: Observation) -> Judgement:
    assert observation.main is not None
    assert other.main is not None
    for number, (one, two) in enumerate(zip(observation.main.runs, other.main.runs, strict=False)):
        if one.errno or two.errno:
            return Abstention("a test run failed")
        mine = _result(observation, "the program", one)
        theirs = _result(other, "the changed program", two)
        found = difference(mine, theirs, observation.byte_order)
        if found is not None:
            what = f"{found.read(mine)} and {found.read(theirs)} in {found.place}"
            return _differ(observation, transformation, other, number, what)
    return Agreement()


def _differ(
    observation: Observation, transformation: Transformation, other: Observation, number: int, what: str
) -> Judgement:
    """Both programs leave something else on one input, where neither an address nor chance decides what."""
    if observation.case.inputs[number].helpers:
        return Abstention("scripted helper results cannot be imposed on a kernel")
    ours, theirs = observation.runs[number][0], other.runs[number][0]
    if not isinstance(ours, Returned) or not isinstance(theirs, Returned):
        return Abstention("the interpreter gives no result")
    if not ours.predictable or not theirs.predictable:
        return Abstention("the outcome depends on unpredictable values")
    if difference(_expected(observation, ours), _expected(other, theirs), observation.byte_order) is not None:
        return Abstention("the interpreter tells the programs apart")
    return Disagreement(
        Signature(KIND, (transformation.name, "result")),
        f"on input {number} the program and one that does the same, by {transformation.name}, leave {what}",
        input=number,
        right=_right(observation, ours, number) or _right(other, theirs, number, of_changed=True),
    )


def _right(
    observation: Observation, outcome: Outcome, number: int, *, of_changed: bool = False
) -> Right | None:
    """What a right kernel leaves; None where this one left that."""
    assert isinstance(outcome, Returned)
    assert observation.main is not None
    expected = _expected(observation, outcome)
    left = _result(observation, ENGINES[Jit.ON], observation.main.runs[number])
    if difference(expected, left, observation.byte_order) is None:
        return None
    right = what_is_right(observation.case.program, expected, [left])
    if of_changed and isinstance(right, Returns):
        case = replace(observation.case, inputs=(observation.case.inputs[number],))
        return Returns(
            right.value, right.engines, right.entries, right.packet, right.link, case=casefile.to_plain(case)
        )
    return right


def _result(observation: Observation, engine: str, run: RunResult) -> EngineResult:
    return EngineResult(
        engine, run.retval, left_in_maps(observation.case, run.maps), beyond_link(observation, run.packet)
    )


def _expected(observation: Observation, outcome: Returned) -> EngineResult:
    packet = beyond_link(observation, outcome.packet)
    return EngineResult(OURS, outcome.r0 & 0xFFFF_FFFF, left_in_maps(observation.case, outcome.maps), packet)
