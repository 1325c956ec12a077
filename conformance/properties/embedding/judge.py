"""The judge: the kernel accepts what a run of the program shows to be illegal."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.kernel.jobs import KernelVerdict
from conformance.observing.observation import Observation
from conformance.properties.embedding.programs import Embedding, embeddings
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from ebpf.signature import Signature
from generators.programs import Generated

KIND = "embedding"
EVERY = 6
"""Programs per one that is judged: each costs several loads."""


def is_asked(number: int, generated: Generated) -> bool:
    """Whether a run has its program ``number`` judged."""
    return number % EVERY == 0


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per point, up to the first that the kernel thinks impossible: later ones follow
    from it."""
    if not observation.accepted:
        yield Abstention("not accepted")
        return
    made = embeddings(observation)
    answered = observation.variants[KIND]
    if not made:
        yield Abstention("no run that a kernel must repeat")
        return
    if len(answered) != 2 * len(made):
        yield Abstention("the virtual machine was lost")
        return
    for embedding, illegal, probe in zip(made, answered[::2], answered[1::2], strict=True):
        judgement = _judge_point(observation, embedding, illegal, probe)
        yield judgement
        if isinstance(judgement, Disagreement):
            return


def _judge_point(
    observation: Observation, embedding: Embedding, illegal: Observation, probe: Observation
) -> Judgement:
    if illegal.ruling.verdict is KernelVerdict.REJECT:
        return Agreement()
    if illegal.ruling.verdict is not KernelVerdict.ACCEPT:
        return Abstention(f"no verdict: {illegal.ruling.reason}")
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
        if int.from_bytes(value[offset : offset + 8], "little") != expected:
            return "the kernel's run holds other values"
    return ""
