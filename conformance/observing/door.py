"""The door: asks one kernel and the oracles, and has properties judge what they answered.

Everything that judges goes through here.  The door knows of properties only what their rows say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from conformance.kernel.jobs import Job, KernelAnswer, KernelVerdict, LossReason, Lost
from conformance.kernel.peer import Peer
from conformance.kernel.peer.answers import PeerAnswer
from conformance.kernel.peer.asking import ask
from conformance.kernel.session import KernelSession
from conformance.objects.reading import read
from conformance.observing.loss import Loss
from conformance.observing.object_observation import ObjectObservation
from conformance.observing.observation import Observation
from conformance.observing.opinions import QUICK
from conformance.observing.question import Attempts, Question
from conformance.observing.siblings import Siblings
from conformance.properties.judgement import Disagreement, Judgement
from conformance.properties.property import Property
from conformance.properties.registry import PROPERTIES
from ebpf.signature import Sameness, Signature
from generators.objects import ObjectFile
from generators.programs import Generated
from oracles.reference import ReferenceVerdict
from reports.records import Accepts, Refuses, Right

GAP = "it refuses the program, and no kernel that was asked shows that it should not"
AskKernel = Callable[[Job], KernelAnswer | Lost]
AskPeer = Callable[[Peer, bytes], PeerAnswer | Lost]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A disagreement, and the observation that shows it."""

    observation: Observation
    disagreement: Disagreement


@dataclass(frozen=True, slots=True)
class JudgedObservation:
    """What one property says of an observation, which holds all that the property looked at."""

    observation: Observation
    judgements: tuple[Judgement, ...]

    def sightings(self) -> Iterator[Sighting]:
        """Its disagreements."""
        for judgement in self.judgements:
            if isinstance(judgement, Disagreement):
                yield Sighting(self.observation, judgement)


@dataclass(frozen=True, slots=True)
class ObjectSighting:
    """The same over an ELF object."""

    observation: ObjectObservation
    disagreement: Disagreement


@dataclass(frozen=True, slots=True)
class Untold:
    """Whether a disagreement shows again could not be told."""

    reason: str


class Door:
    """One kernel, asked by ``ask_kernel`` and, about objects, by ``ask_peer``."""

    def __init__(self, ask_kernel: AskKernel, ask_peer: AskPeer, release: str, siblings: Siblings) -> None:
        self.ask_kernel = ask_kernel
        self.ask_peer = ask_peer
        self.release = release
        self.siblings = siblings

    @classmethod
    def of_session(cls, session: KernelSession, siblings: Siblings) -> Door:
        """The door of a kernel that runs."""
        return cls(session.run, partial(ask, session), session.hello.release, siblings)

    def of_other(self, kernel: str) -> Door | None:
        """The door of another kernel, by its name; None where that does not run."""
        machine = self.siblings.machines.get(kernel)
        return None if machine is None else Door.of_session(machine.session, self.siblings)

    def observe(self, question: Question) -> Observation | Lost:
        """Ask the kernel, once more with less of a log where that was too small; the oracles are asked when a
        property looks at what they say."""
        answer = self.ask_kernel(question.job)
        if isinstance(answer, Lost):
            return answer
        observation = self.observation(question, answer)
        instead = observation.to_ask_instead
        return observation if instead is None else self.observe(instead)

    def observation(self, question: Question, answer: KernelAnswer) -> Observation:
        """What the kernel answered to a question that was asked before."""
        return Observation(question, answer, self.release)

    def observe_object(self, peer: Peer, file: ObjectFile) -> ObjectObservation:
        """Put an object to a peer in the guest, and to our reader.

        Raises :class:`ebpf.errors.InfrastructureError` where the peer gives no answer.
        """
        return ObjectObservation(file, peer, read(file.data, peer.generation), self.ask_peer(peer, file.data))

    def observe_loss(self, question: Question, lost: Lost) -> Loss:
        """Ask about a case that took its machine away once more, without running it; where no answer came in
        time, without the log of the walk, which takes most of it."""
        hung = lost.reason is LossReason.HANG
        asked = question.by(Attempts.UNLOGGED) if hung else question.without_runs()
        quiet = self.observe(replace(asked, budget=QUICK))
        return Loss(lost, None if isinstance(quiet, Lost) else quiet)

    def judge(self, observation: Observation, row: Property) -> JudgedObservation:
        """What one property says of an observation, completed by what it needs."""
        if row.judge is None:
            return JudgedObservation(observation, ())
        completed = self.complete(observation, row)
        return JudgedObservation(completed, tuple(row.judge(completed)))

    def complete(self, observation: Observation, row: Property) -> Observation:
        """The observation with what a property needs: what the kernel says of other programs, and what other
        kernels say of this one."""
        while wanted := variants_of(observation, row):
            answers = [self.ask_kernel(question.job) for question in wanted]
            observation = self.with_answers(observation, row, wanted, answers)
        if row.needs_siblings is not None and not observation.elsewhere and row.needs_siblings(observation):
            observation = self.with_elsewhere(observation)
        return observation

    def with_elsewhere(self, observation: Observation) -> Observation:
        """The observation, completed by what other kernels say of the program."""
        logged = observation.question.is_logged
        return observation.with_elsewhere(self.siblings.ask(observation.case, logged=logged))

    def with_answers(
        self,
        observation: Observation,
        row: Property,
        wanted: Iterable[Question],
        answers: Iterable[KernelAnswer | Lost],
    ) -> Observation:
        """The observation, completed by what the kernel answered to :func:`variants_of`; a lost one has no
        attempt."""
        added = tuple(
            self.observation(question, KernelAnswer(()) if isinstance(answer, Lost) else answer)
            for question, answer in zip(wanted, answers, strict=True)
        )
        return observation.with_variants(row.kind, (*observation.variants.get(row.kind, ()), *added))

    def sightings(self, observation: Observation, kinds: Iterable[str]) -> Iterator[Sighting]:
        """Every disagreement of these properties, each on the case that shows it."""
        for kind in kinds:
            for sighting in self.judge(observation, PROPERTIES[kind]).sightings():
                yield self.with_witness(sighting)

    def losses(self, question: Question, lost: Lost, kinds: Iterable[str]) -> Iterator[Sighting]:
        """What these properties say of a case that takes its machine away: of the loss, and of what the
        kernel says of the program without running it."""
        loss = self.observe_loss(question, lost)
        rows = [PROPERTIES[kind] for kind in kinds]
        yield from self.loss_sightings(question, loss, rows)
        if loss.loaded is not None:
            yield from self.sightings(loss.loaded, [row.kind for row in judging_loss(rows, loss.loaded)])

    def loss_sightings(self, question: Question, loss: Loss, rows: Iterable[Property]) -> Iterator[Sighting]:
        """What these properties say of the loss itself."""
        observation = loss.loaded or self.observation(question, KernelAnswer(()))
        for row in rows:
            for judgement in row.judge_loss(loss) if row.judge_loss else ():
                if isinstance(judgement, Disagreement):
                    yield Sighting(observation, judgement)

    def again(
        self, question: Question, signature: Signature, sameness: Sameness, right: Right | None
    ) -> Sighting | Untold | None:
        """The same disagreement in one more observation; None where it is gone, and why where that could not
        be told.  ``right`` is what a right kernel does, where the disagreement says."""
        observation = self.observe(question)
        if isinstance(observation, Lost):
            untold = f"the virtual machine was lost ({observation.reason.value})"
            found = self.losses(question, observation, [signature.kind])
        else:
            is_right = _is_right(observation, right)
            untold = "" if is_right else _why_untold(observation, question, PROPERTIES[signature.kind])
            found = self.sightings(observation, [signature.kind])
        for sighting in found:
            if sighting.disagreement.signature.matches(signature, sameness):
                return Untold(GAP) if sighting.disagreement.gap else sighting
        return Untold(untold) if untold else None

    def fits(self, question: Question, row: Property, signature: Signature) -> bool:
        """Whether what kernels say, this one and, where that fits, others, goes with a disagreement; without
        oracles."""
        assert row.fits is not None
        observation = self.observe(replace(question, budget=None))
        if isinstance(observation, Lost) or not row.fits(observation, signature):
            return False
        return row.fits(self.with_elsewhere(observation), signature)

    def object_again(
        self, peer: Peer, file: ObjectFile, signature: Signature
    ) -> ObjectSighting | Untold | None:
        """The same of an ELF object."""
        observation = self.observe_object(peer, file)
        for sighting in self.object_sightings(observation, [signature.kind]):
            if sighting.disagreement.signature == signature:
                return sighting
        if isinstance(observation.theirs, Lost):
            return Untold(f"the virtual machine was lost ({observation.theirs.reason.value})")
        return None

    def object_sightings(
        self, observation: ObjectObservation, kinds: Iterable[str]
    ) -> Iterator[ObjectSighting]:
        """Every disagreement of these properties over an object."""
        for kind in kinds:
            for judgement in judge_object(observation, PROPERTIES[kind]):
                if isinstance(judgement, Disagreement):
                    yield ObjectSighting(observation, judgement)

    def with_witness(self, sighting: Sighting) -> Sighting:
        """The same disagreement on the case that has the input which shows it; as it is where it needs none.

        What the kernel said of the program is the same whatever the inputs; it is not asked again.
        """
        witness = sighting.disagreement.witness
        if witness is None:
            return sighting
        observation = sighting.observation.with_case(witness)
        signature = sighting.disagreement.signature
        judged = self.judge(observation, PROPERTIES[signature.kind])
        same = (each for each in judged.sightings() if each.disagreement.signature == signature)
        return next(same, sighting)


def variants_of(observation: Observation, row: Property) -> Sequence[Question]:
    """What a property still wants the same kernel to be asked beside this."""
    return row.variants(observation) if row.variants is not None else ()


def judging_loss(rows: Iterable[Property], loaded: Observation) -> list[Property]:
    """Those that judge what the kernel says of a program that it was lost over, and now only ``loaded``."""
    return [row for row in rows if row.judge and row.judges_losses and row.can_judge(loaded.question)]


def _is_right(observation: Observation, right: Right | None) -> bool:
    """Whether the kernel's verdict on the program is a right one's, whatever the oracles know."""
    match right:
        case Accepts(case=None):
            return observation.accepted
        case Refuses(case=None):
            return observation.ruling.verdict is KernelVerdict.REJECT
    return False


def _why_untold(observation: Observation, question: Question, row: Property) -> str:
    """Why an observation without the disagreement does not show that it is gone, which was asked for by
    ``question``; empty where it does."""
    if observation.ruling.verdict not in (KernelVerdict.ACCEPT, KernelVerdict.REJECT):
        return f"no verdict: {observation.ruling.reason}"
    if row.reads_claims and observation.question.log_level != question.log_level:
        return "the log of its walk was too small"
    answer = observation.reference if row.reference else None
    if answer is not None and answer.verdict is ReferenceVerdict.UNKNOWN:
        return f"the reference verifier left it open: {answer.reason}"
    return ""


def judge_object(observation: ObjectObservation, row: Property) -> list[Judgement]:
    """What one property says of an object."""
    return [] if row.judge_object is None else list(row.judge_object(observation))


def question_of(row: Property, generated: Generated) -> Question:
    """What must be asked for a property to see a disagreement again."""
    return Question.of(generated, row.attempts, QUICK if row.reference else None)


def question_like(sighting: Sighting, row: Property, generated: Generated) -> Question:
    """The same of another program, with no more of a log than the disagreement was seen with."""
    question = question_of(row, generated)
    return question if sighting.observation.question.is_logged else question.by(Attempts.UNLOGGED)
