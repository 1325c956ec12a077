"""The judge: the kernel accepts what a run of the program shows to be illegal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.kernel.jobs import KernelVerdict
from conformance.observing.observation import Observation
from conformance.observing.question import Attempts, Question
from conformance.properties.embedding.programs import Embedding, embeddings
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from conformance.properties.way import ABOVE_STACK
from ebpf import casefile
from ebpf.signature import Signature
from generators.programs import Generated
from reports.records import Refuses

KIND = "embedding"
EVERY = 6
"""Programs per one that is judged: each costs several loads."""


def is_asked(number: int, generated: Generated) -> bool:
    """Whether a run has its program ``number`` judged."""
    return number % EVERY == 0


def variants(observation: Observation) -> list[Question]:
    """The illegal program of each point, and, of those that were accepted, the probe."""
    asked, answered = observation.question, observation.variants.get(KIND)
    if answered is None:
        return [asked.about(each.illegal).by(Attempts.VERDICT) for each in embeddings(observation)]
    accepted = [number for number, each in enumerate(answered) if each.accepted]
    if not accepted or _asked_by(answered, Attempts.ONCE):
        return []
    made = embeddings(observation)
    return [asked.about(made[number].probe).by(Attempts.ONCE) for number in accepted]


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per point, up to the first that the kernel thinks impossible: later ones follow
    from it."""
    if not observation.accepted:
        yield Abstention("not accepted")
        return
    answered = observation.variants.get(KIND, ())
    if not answered:
        yield Abstention("no run that a kernel must repeat")
        return
    probes = iter(_asked_by(answered, Attempts.ONCE))
    for number, each in enumerate(_asked_by(answered, Attempts.VERDICT)):
        if each.ruling.verdict is KernelVerdict.REJECT:
            yield Agreement()
        elif not each.accepted:
            yield Abstention(f"no verdict: {each.ruling.reason}")
        else:
            judgement = _judge_point(observation, embeddings(observation)[number], next(probes))
            yield judgement
            if isinstance(judgement, Disagreement):
                return


def _asked_by(observations: Sequence[Observation], attempts: Attempts) -> list[Observation]:
    return [each for each in observations if each.question.attempts == attempts.value]


def _judge_point(observation: Observation, embedding: Embedding, probe: Observation) -> Judgement:
    reason = _why_unconfirmed(embedding, probe)
    if reason:
        return Abstention(reason)
    point = embedding.point
    held = ", ".join(f"R{register} = 0x{value:x}" for register, value in point.scalars)
    return Disagreement(
        Signature(KIND, ("thought impossible",), observation.form_name(point.after)),
        f"after instruction {point.after} ({observation.text(point.after)}) a run on input {point.input} "
        f"holds {held}, and in the virtual machine too; yet the kernel accepts an invalid read from the "
        "stack there, made when all registers equal these",
        point.after,
        point.input,
        right=Refuses(casefile.to_plain(embedding.illegal), ABOVE_STACK),
    )


def _why_unconfirmed(embedding: Embedding, probe: Observation) -> str:
    """Why the kernel's own run does not show the same values there; empty where it does."""
    if not probe.accepted or probe.main is None or not probe.main.runs:
        return "what the registers hold could not be stored"
    run = probe.main.runs[0]
    contents = run.maps[-1] if run.maps else None
    if run.errno or not contents:
        return "the program could not be run"
    value = contents[0][1]
    for offset, expected in embedding.probed:
        if probe.byte_order.number(value[offset : offset + 8]) != expected:
            return "the kernel's run holds other values"
    return ""
