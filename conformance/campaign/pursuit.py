"""What happens to a disagreement: noted at once, repeated, stored, shrunk, stored again; and what is the same
bug is told apart."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import suppress
from dataclasses import replace

from conformance.campaign import accusation, known
from conformance.campaign.assignment import Assignment
from conformance.campaign.localisation import localise
from conformance.campaign.reduction import reduce
from conformance.campaign.source import Source
from conformance.campaign.store import Store
from conformance.kernel.jobs import Job, KernelAnswer, LossReason, Lost
from conformance.kernel.session import KernelSession
from conformance.properties import PROPERTIES, Observation, PropertyKind
from conformance.properties.judgement import Disagreement
from conformance.properties.observation import load_only, plan
from conformance.properties.witness import shown
from conformance.second_opinion import QUICK
from ebpf import casefile
from ebpf.isa.table import IllegalInsn, form_of
from generators.programs import Generated
from oracles.interpreter import Outcome, Returned
from reports.records import Finding, Provenance, Reproduced, Status

REPEATS = 3
FAMILY_LIMIT = 3
"""Findings pursued per family (a signature without its last part): one bug can show at many instructions
before it is shrunk."""
MERGE_LIMIT = 8
"""Pursuits per family that end in a finding already made: they cost time, but another bug of the family may
be behind the next."""
DOUBTS = 3
"""Times that a signature may fail to show again, or turn out to be another, before it is given up."""
SHRINK_SECONDS = 12.0


class Pursuit:
    """``new`` and ``known`` count findings stored by this worker."""

    def __init__(
        self, task: Assignment, session: KernelSession, source: Source[Generated], provenance: Provenance
    ) -> None:
        self.task = task
        self.session = session
        self.source = source
        self.provenance = provenance
        self.store = Store(task.directory)
        self.issues = known.load()
        self.signatures: set[str] = set()
        self.families: Counter[str] = Counter()
        self.merges: Counter[str] = Counter()
        self.doubts: Counter[str] = Counter()
        self.deadline = float("inf")
        """When the worker's time is over: from then on nothing is shrunk."""
        self.suppressed = 0
        self.unconfirmed = 0
        self.new = 0
        self.known = 0

    def pursue(self, buffer: bytes, seen: Observation, what: Disagreement) -> None:
        """See a disagreement through, unless it is one already seen."""
        seen, what = shown(seen, what)
        family = _family(what.signature)
        issue = known.find(self.issues, what.signature, self.provenance.kernel_release)
        enough = self.families[family] >= FAMILY_LIMIT or self.merges[family] >= MERGE_LIMIT
        if self._is_told(what) or (issue is None and enough):
            self.suppressed += 1
            return
        self.signatures.add(what.signature)
        self.store.candidate(what.kind.value, what.signature, casefile.to_plain(seen.case))
        if issue is not None:
            self.known += 1
            self.store.finding(accusation.finding(seen, what, self.task, self.provenance, issue, None))
            return
        times = sum(self._again(seen.generated, what.signature, seen.job) is not None for _ in range(REPEATS))
        if not times:
            self.unconfirmed += 1
            self._give_up_or_not(what.signature)
            return
        self.families[family] += 1
        self.new += 1
        first = self._store(seen, what, times)
        if what.kind is PropertyKind.EXECUTION:
            what = localise(seen, what, self._execution)
        if what.signature == first.signature or not self._is_told(what):
            seen, what = self._shrink(buffer, seen, what, localised=what.signature != first.signature)
            if what.kind is PropertyKind.EXECUTION:
                what = localise(seen, what, self._execution)
        self._conclude(first, seen, what, times)

    def _conclude(self, first: Finding, seen: Observation, what: Disagreement, times: int) -> None:
        """Store what became of ``first`` once shrunk and localised; before ``first`` goes, so that a kill
        between loses nothing."""
        final, family = self._id(what), _family(first.signature)
        if final == first.id or not self._is_told(what):
            self.signatures.add(what.signature)
            if self._store(seen, what, times).status is Status.KNOWN:
                self.new -= 1
                self.known += 1
        else:
            self.new -= 1
            self.families[family] -= 1
            self.merges[family] += 1
        if final != first.id:
            self.store.merged(first, final)
            self._give_up_or_not(first.signature)

    def _is_told(self, what: Disagreement) -> bool:
        """Whether there is a finding of that signature, or was one to be."""
        return what.signature in self.signatures or self.store.has(self._id(what))

    def _give_up_or_not(self, signature: str) -> None:
        """What did not show again, or was something else, may be seen a few times more before nobody looks
        any longer."""
        self.doubts[signature] += 1
        if self.doubts[signature] < DOUBTS:
            self.signatures.discard(signature)

    def lost(self, generated: Generated, job: Job, answer: Lost) -> None:
        """A case that takes its virtual machine with it, alone too; what the kernel says of it is asked
        without running it.

        No answer in time is no verdict.  It is an accusation only where the program was loaded at once, and
        what does not come back is a run that ends after a few thousand instructions.
        """
        quiet = Job(job.case, tuple(replace(attempt, run=False) for attempt in job.attempts))
        verdict = self.session_run(quiet)
        seen = Observation(
            generated, quiet, verdict if isinstance(verdict, KernelAnswer) else KernelAnswer(())
        )
        found = []
        if answer.reason in (LossReason.PANIC, LossReason.EXITED):
            found.append(
                Disagreement(
                    PropertyKind.HEALTH,
                    f"health:lost:{answer.reason.value}",
                    f"loading or running the program takes the kernel down ({answer.reason.value}), "
                    "alone on a fresh virtual machine too",
                )
            )
        elif (
            answer.reason is LossReason.HANG
            and isinstance(verdict, KernelAnswer)
            and seen.accepted
            and all(_ends(outcome) for outcome, _ in seen.runs)
        ):
            found.append(
                Disagreement(
                    PropertyKind.EXECUTION,
                    "execution:hang:run",
                    "the program is loaded at once, but a run of it does not come back; the interpreter "
                    "ends on every input",
                )
            )
        for kind in (PropertyKind.SOUNDNESS, PropertyKind.BOUNDS, PropertyKind.RULE):
            if kind in self.task.kinds and isinstance(verdict, KernelAnswer):
                found += [j for j in PROPERTIES[kind](seen) if isinstance(j, Disagreement)]
        for each in found:
            if each.signature not in self.signatures and each.kind in self.task.kinds:
                self.signatures.add(each.signature)
                self.store.candidate(each.kind.value, each.signature, casefile.to_plain(seen.case))
                self.new += 1
                self._store(seen, each, 1, 1)

    def session_run(self, job: Job) -> KernelAnswer | Lost:
        """One job now, in line behind those in flight; their answers are kept for the worker."""
        tag, others = object(), list[tuple[Hashable, KernelAnswer | Lost]]()
        self.session.submit(job, tag)
        for got, answer in self.session.results():
            if got is tag:
                self.session.give_back(others)
                return answer
            others.append((got, answer))
        raise AssertionError("a job submitted has an answer")

    def _observe(self, generated: Generated, job: Job, *, reference: bool = False) -> Observation | None:
        answer = self.session_run(job)
        if not isinstance(answer, KernelAnswer):
            return None
        return Observation(
            generated, job, answer, self.provenance.kernel_release, reference=QUICK if reference else None
        )

    def _id(self, what: Disagreement) -> str:
        return accusation.finding_id(what.signature, self.task.image.name)

    def _again(
        self, generated: Generated, signature: str, job: Job, *, family: bool = False
    ) -> tuple[Observation, Disagreement] | None:
        """The same disagreement seen again, or None; with ``family``, the signature's last part may be
        another."""
        kind = PropertyKind(signature.split(":", 1)[0])
        seen = self._observe(generated, job, reference=kind in (PropertyKind.PRECISION, PropertyKind.RULE))
        if seen is None:
            return None
        parts = _family if family else str
        for judgement in PROPERTIES[kind](seen):
            if isinstance(judgement, Disagreement) and parts(judgement.signature) == parts(signature):
                return shown(seen, judgement)
        return None

    def _shrink(
        self, buffer: bytes, seen: Observation, what: Disagreement, *, localised: bool
    ) -> tuple[Observation, Disagreement]:
        """The smallest case found in the time there is, as seen and judged; the given one when there is
        none."""
        best = [(seen, what)]
        form = what.signature.rsplit(":", 1)[1]

        def still_fails(generated: Generated) -> bool:
            if localised and not any(name == form for name in _forms(generated)):
                return False  # without the instruction to blame it is another bug
            # The last writer of what differs is a guess, and another in a smaller program; what was localised
            # stays.  Which view of a claim an input leaves is the solver's choice.
            free = localised or what.kind is PropertyKind.TRANSFER
            again = self._again(generated, what.signature, self._job_for(what.kind, generated), family=free)
            if again is not None:
                best[:] = [again]
            return again is not None

        left = self.deadline - time.monotonic()
        budget = min(SHRINK_SECONDS, left / 4)
        if budget > 1.0:
            until = time.monotonic() + budget
            smaller = self.source.shrink(buffer, still_fails, budget / 2) or seen.generated
            reduce(smaller, still_fails, max(0.5, until - time.monotonic()))
        return best[0]

    def _execution(self, generated: Generated) -> Disagreement | None:
        """What execution says of a case: for localisation."""
        seen = self._observe(generated, plan(generated.case, 0))
        judgements = PROPERTIES[PropertyKind.EXECUTION](seen) if seen else iter(())
        return next((j for j in judgements if isinstance(j, Disagreement)), None)

    def _job_for(self, kind: PropertyKind, generated: Generated) -> Job:
        # Only these need programs run, by all engines, which number 0 asks for.
        if kind in (PropertyKind.EXECUTION, PropertyKind.HEALTH):
            return plan(generated.case, 0)
        return load_only(generated.case)

    def _store(self, seen: Observation, what: Disagreement, times: int, attempts: int = REPEATS) -> Finding:
        issue = known.find(self.issues, what.signature, self.provenance.kernel_release)
        record = accusation.finding(
            seen, what, self.task, self.provenance, issue, Reproduced(times, attempts)
        )
        self.store.finding(record)
        return record


def _forms(generated: Generated) -> Iterator[str]:
    for insn in generated.case.program.instructions:
        with suppress(IllegalInsn):
            yield form_of(insn).name


def _family(signature: str) -> str:
    """A signature without its last part."""
    return signature.rsplit(":", 1)[0]


def _ends(outcome: Outcome) -> bool:
    return isinstance(outcome, Returned) and outcome.predictable
