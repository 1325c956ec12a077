"""Subjects: what a disagreement is about, a program or an ELF object, and how it is pursued."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from conformance.campaign import records
from conformance.campaign.events import CandidateSeen
from conformance.campaign.known import NO_EVIDENCE, Evidence
from conformance.campaign.localisation import Agree, localise
from conformance.campaign.records import Confirmation
from conformance.campaign.reduction import reduce_object
from conformance.campaign.shrinking import Shrinking
from conformance.kernel.identity import KernelIdentity
from conformance.observing.door import Door, ObjectSighting, Sighting, question_of
from conformance.observing.evidence import SightingEvidence
from conformance.observing.observation import Observation
from conformance.observing.opinions import QUICK
from conformance.properties.property import Property
from conformance.properties.registry import PROPERTIES
from ebpf import casefile
from ebpf.signature import Sameness, Signature
from generators.objects import ObjectFile
from generators.programs import Generated
from generators.recipes import ObjectRecipe, Recipe
from reports.records import Finding, Provenance, Reproduced

REPEATS = 3

SightingT = TypeVar("SightingT", Sighting, ObjectSighting)


class Subject(Protocol, Generic[SightingT]):
    """One case that shows something, on the kernel behind a door."""

    def candidate(self, sighting: SightingT) -> CandidateSeen:
        """What is noted before anything else is done."""

    def confirm(self, sighting: SightingT) -> Reproduced:
        """How often it shows again."""

    def reduce(self, sighting: SightingT, seconds: float, is_found: Callable[[Signature], bool]) -> SightingT:
        """The smallest case found in that time, with its culprit named where that can be."""

    def evidence(self, sighting: SightingT) -> Evidence:
        """What known issues may ask beside the signature."""

    def record(
        self, sighting: SightingT, kernel: KernelIdentity, provenance: Provenance, confirmation: Confirmation
    ) -> Finding:
        """The finding."""


@dataclass(frozen=True, slots=True)
class ProgramSubject:
    """A generated program."""

    door: Door
    recipe: Recipe
    """What it was made of."""

    def candidate(self, sighting: Sighting) -> CandidateSeen:
        """Its case."""
        disagreement = sighting.disagreement
        case = casefile.to_plain(sighting.observation.case)
        return CandidateSeen(str(disagreement.signature), disagreement.kind, case)

    def confirm(self, sighting: Sighting) -> Reproduced:
        """The same question, asked again."""
        signature, right = sighting.disagreement.signature, sighting.disagreement.right
        budget = QUICK if PROPERTIES[signature.kind].reference else None
        question = replace(sighting.observation.question, budget=budget)
        again = (self.door.again(question, signature, Sameness.WHOLE, right) for _ in range(REPEATS))
        return Reproduced(sum(isinstance(each, Sighting) for each in again), REPEATS)

    def reduce(self, sighting: Sighting, seconds: float, is_found: Callable[[Signature], bool]) -> Sighting:
        """A smaller recipe, then passes on what it makes; a culprit that is localised before is kept."""
        row = PROPERTIES[sighting.disagreement.kind]
        if not row.localises:
            return self._shrink(sighting, row, row.sameness, seconds)
        named = localise(sighting, self._agree(row))
        if named.disagreement.signature == sighting.disagreement.signature:
            sameness = row.sameness
        elif is_found(named.disagreement.signature):
            return named
        else:
            # What was localised stays; the last writer of what differs is a guess, and another in a smaller
            # program.
            sameness = Sameness.ANY_CULPRIT
        return localise(self._shrink(named, row, sameness, seconds), self._agree(row))

    def _shrink(self, sighting: Sighting, row: Property, sameness: Sameness, seconds: float) -> Sighting:
        if seconds <= 1.0:
            return sighting
        return Shrinking(self.door, sighting, row, sameness).shrink(self.recipe, seconds)

    def _agree(self, row: Property) -> Agree:
        def agree(generated: Generated) -> bool | None:
            observation = self.door.observe(question_of(row, generated))
            if not isinstance(observation, Observation) or not observation.accepted:
                return None
            return not any(self.door.sightings(observation, [row.kind]))

        return agree

    def evidence(self, sighting: Sighting) -> Evidence:
        """The kernel's log, and what another says of the program."""
        return SightingEvidence(self.door, sighting)

    def record(
        self, sighting: Sighting, kernel: KernelIdentity, provenance: Provenance, confirmation: Confirmation
    ) -> Finding:
        """The program with the witness run beside the kernel's claims."""
        return records.finding(sighting, kernel, provenance, confirmation)


class LostSubject(ProgramSubject):
    """A program that takes its virtual machine away: it did so alone already, and is not made to again."""

    def confirm(self, sighting: Sighting) -> Reproduced:
        """It counts as shown once: its machine was lost while it ran alone."""
        return Reproduced(1, 1)

    def reduce(self, sighting: Sighting, seconds: float, is_found: Callable[[Signature], bool]) -> Sighting:
        """As it is: every try would cost a machine."""
        return sighting


@dataclass(frozen=True, slots=True)
class ObjectSubject:
    """A generated ELF object."""

    door: Door
    recipe: ObjectRecipe

    def candidate(self, sighting: ObjectSighting) -> CandidateSeen:
        """The object and both accounts of it."""
        disagreement = sighting.disagreement
        evidence = records.evidence(sighting.observation)
        return CandidateSeen(str(disagreement.signature), disagreement.kind, object=evidence)

    def confirm(self, sighting: ObjectSighting) -> Reproduced:
        """Put to the same peer again."""
        again = (self._again(sighting, sighting.observation.file) for _ in range(REPEATS))
        return Reproduced(sum(each is not None for each in again), REPEATS)

    def _again(self, sighting: ObjectSighting, file: ObjectFile) -> ObjectSighting | None:
        signature = sighting.disagreement.signature
        again = self.door.object_again(sighting.observation.peer, file, signature)
        return again if isinstance(again, ObjectSighting) else None

    def reduce(
        self, sighting: ObjectSighting, seconds: float, is_found: Callable[[Signature], bool]
    ) -> ObjectSighting:
        """A smaller recipe: the fewest bytes."""
        best = sighting

        def still_fails(file: ObjectFile) -> bool:
            nonlocal best
            again = self._again(sighting, file)
            if again is not None and len(file.data) <= len(best.observation.file.data):
                best = again
            return again is not None

        if seconds > 1.0:
            reduce_object(self.recipe, lambda recipe: still_fails(recipe.make()), seconds)
        return best

    def evidence(self, sighting: ObjectSighting) -> Evidence:
        """None."""
        return NO_EVIDENCE

    def record(
        self,
        sighting: ObjectSighting,
        kernel: KernelIdentity,
        provenance: Provenance,
        confirmation: Confirmation,
    ) -> Finding:
        """The object with what both readers say of it."""
        return records.object_finding(sighting, kernel, provenance, confirmation)
