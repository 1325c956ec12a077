"""Regression: two kernels judge one program differently, or at another cost, and no change that is known
explains it.

Two builds of one version must agree on everything.  Of an older version only two things accuse the newer:
that it refuses what is safe, and that it walks many times as much.  The other way round is progress.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.kernel.jobs import KernelVerdict
from conformance.observing.observation import Observation
from conformance.observing.siblings import SiblingRuling
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from conformance.properties.precision import is_safe, of_configuration, shape, when
from ebpf.changes import costs_more, documented_change
from ebpf.releases import Release
from ebpf.signature import Signature
from generators.programs import Generated
from reports.records import Accepts, Refuses, Untellable

KIND = "regression"
EVERY, FIRST = 64, 255
"""Programs per one that is judged, and the first: the other kernels have to be booted before."""
VERDICTS = (KernelVerdict.ACCEPT, KernelVerdict.REJECT)
TIMES, LEAST = 10, 20_000
"""How many times as many instructions as an older version a kernel may walk, and how many anyway."""
OF_ONE_VERSION = 1_000
"""Instructions by which builds of one version may differ: helpers and kernel functions that one of them lacks
are found missing before the walk ends."""


def is_asked(number: int, generated: Generated) -> bool:
    """Whether a run has its program ``number`` judged."""
    return number % EVERY == FIRST % EVERY and number >= FIRST


def needs_siblings(observation: Observation) -> bool:
    """Whether there is a verdict to compare."""
    return _untold(observation) == ""


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per kernel it is compared with: a build of the same version, and the newest older one."""
    untold = _untold(observation)
    if untold:
        yield Abstention(untold)
        return
    own = Release.parse(observation.release)
    others = [each for each in observation.elsewhere if each.ruling.verdict in VERDICTS]
    same = [each for each in others if each.release == own]
    older = [each for each in others if each.release < own]
    if not same and not older:
        yield Abstention("no other kernel has a verdict")
    for other in same:
        yield _compare_builds(observation, other)
    if older:
        yield _compare_versions(observation, older)


def _untold(observation: Observation) -> str:
    """Why there is nothing to compare; empty where there is."""
    ruling = observation.ruling
    if ruling.verdict not in VERDICTS:
        return f"no verdict: {ruling.reason}"
    return of_configuration(observation.case, ruling.message or "")


def _compare_builds(observation: Observation, other: SiblingRuling) -> Judgement:
    """With a kernel of the same version: verdict, phase and cost are the same."""
    ours, theirs = observation.ruling, other.ruling
    reason = of_configuration(observation.case, theirs.message or "")
    if reason:
        return Abstention(reason)
    name = f"another build of {observation.release}, {other.kernel},"
    if ours.verdict is not theirs.verdict:
        message = ours.message or theirs.message
        refused = ours.verdict is KernelVerdict.REJECT
        return Disagreement(
            Signature(KIND, (shape(message), "in one version")),
            f"the kernel {'refuses' if refused else 'accepts'} a program that {name} "
            f"{'accepts' if refused else 'refuses'} ({message})",
            ours.instruction,
            right=Accepts(message) if refused else Refuses(message=message),
        )
    if ours.phase is not theirs.phase and ours.phase and theirs.phase:
        return Disagreement(
            Signature(KIND, ("phase", ours.phase.value, theirs.phase.value)),
            f"the kernel refuses the program in the phase {ours.phase.value} ({ours.message}), {name} in "
            f"{theirs.phase.value} ({theirs.message})",
            right=Untellable("a refusal's phase shows in its message only"),
        )
    return _compare_costs(observation, other, OF_ONE_VERSION, 2)


def _compare_versions(observation: Observation, older: list[SiblingRuling]) -> Judgement:
    """With the newest older kernel, and, where that has the same verdict, at what cost."""
    last = older[-1]
    if observation.accepted:
        if last.ruling.verdict is KernelVerdict.REJECT:
            return Abstention(f"progress: {last.release.series} refuses it")
        if costs_more(observation.case.program, observation.release, last.release):
            return Abstention("a documented change of what is walked")
        return _compare_costs(observation, last, LEAST, TIMES)
    if last.ruling.verdict is KernelVerdict.REJECT:
        return Agreement()
    message, program = observation.ruling.message, observation.case.program
    change = documented_change(message, observation.release, last.release, last.pruned, program)
    if change is not None:
        return Abstention(f"a documented change: {change.reason}")
    if not is_safe(observation):
        return Abstention("refused since, and nobody shows that it is safe")
    return Disagreement(
        Signature(KIND, (shape(message), when(last.release, Release.parse(observation.release)))),
        f"the kernel refuses a safe program ({message}) that {last.kernel} accepts",
        observation.ruling.instruction,
        right=Accepts(message),
    )


def _compare_costs(observation: Observation, other: SiblingRuling, least: int, times: int) -> Judgement:
    """Both have the same verdict: of accepted programs, how much was walked."""
    ours = observation.main.verified if observation.main is not None else None
    theirs = other.processed
    if not observation.accepted or not ours or not theirs:
        return Agreement()
    if ours < least or ours < times * theirs:
        return Agreement()
    return Disagreement(
        Signature(KIND, ("cost", when(other.release, Release.parse(observation.release)))),
        f"the kernel walks {ours} instructions to accept the program, {other.kernel} {theirs}",
        right=Untellable("what is walked is told by the log's last line only"),
    )
