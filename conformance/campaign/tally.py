"""Counts of a campaign: what a worker saw since it last reported, and the sum of all workers'."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from conformance.kernel.jobs import KernelVerdict
from conformance.observing.observation import Observation
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from ebpf.isa.forms import Free
from ebpf.isa.insn import Insn
from ebpf.isa.table import FORMS
from ebpf.test_runs import ATTACHED
from generators.programs import Purpose
from oracles.reference import ReferenceAnswer

TIGHT = 0.1
"""Bits: the tightest range is found up to a sixteenth of its width."""

FOREIGN = "not asked on another architecture than the host's"
"""Among the reasons for abstaining."""
ALONE = "there is no other kernel of this architecture to ask"
"""Another: of properties that hang on what others say."""
DISTINCT_BEFORE = "distinct in earlier sittings"
"""Among ``counts``: hashes of programs grow with a run and are not kept, so that distinct are counted within
sittings, and added up."""


JIT, INTERPRETER = "JIT", "interpreter"
"""The kernel's engines."""


@dataclass(slots=True)
class Tally:
    """``cells`` counts cases per (kind, "judged" | "agreed" | "disagreed"); ``abstained`` judgements per
    (kind, reason).

    ``counts`` has one entry per name used in :meth:`program`; ``lengths`` and ``processed`` are histograms by
    value; ``shapes`` holds a hash per program that is the same for programs equal up to register renaming.
    ``seconds`` is CPU time of the worker per stage, ``counts`` has the guest's microseconds in BPF_PROG_LOAD.
    ``precision`` counts per (operation, what), and sums bits per (operation, view).  ``reference_cost``
    counts answers of the reference verifier by milliseconds of CPU, rounded up to a power of two; ``open``
    its reasons for none; ``gaps`` refusals of safe programs
    where no better may be expected, by (message, first later series that accepts, whether ranges prove it).
    """

    counts: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    abstained: Counter[tuple[str, str]] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    used_accepted: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    processed: Counter[int] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    shapes: set[int] = field(default_factory=set)
    precision: Counter[tuple[str, str]] = field(default_factory=Counter)
    reference_cost: Counter[int] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    gaps: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    executed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Programs by (instruction form that their runs executed, :data:`JIT` or :data:`INTERPRETER`)."""
    types: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (program type, outcome); the outcomes, and those of near misses, are those of
    :mod:`conformance.campaign.reach`, which counts these four."""
    callees: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By (program type, helper or kernel function that it calls, outcome)."""
    maps: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (map type, outcome)."""
    misses: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Near misses by (rule, what became of them)."""

    @property
    def work(self) -> int:
        """Programs and objects judged."""
        return self.counts["judged"] + self.counts["objects"]

    def add(self, other: Tally) -> None:
        """Take another's counts in."""
        for name in self.__dataclass_fields__:
            getattr(self, name).update(getattr(other, name))

    def program(self, observation: Observation) -> None:
        """Count one judged program."""
        generated, counts = observation.generated, self.counts
        accepted = observation.accepted
        counts["judged"] += 1
        counts["accepted"] += accepted
        counts["unprivileged"] += observation.case.capabilities == ()
        counts[f"verdict {observation.ruling.verdict.value}"] += 1
        if generated.purpose is Purpose.VALID:
            counts["meant valid"] += 1
            counts["meant valid accepted"] += accepted
            self.used.update(set(generated.productions))
            if accepted:
                self.used_accepted.update(set(generated.productions))
            else:
                self.rejections[observation.ruling.message or observation.ruling.reason] += 1
        elif generated.purpose is Purpose.NEAR_MISS:
            counts["near misses"] += 1
            counts["near misses refused"] += observation.ruling.verdict is KernelVerdict.REJECT
        else:
            counts["daring"] += 1
        insns = observation.case.program.instructions
        self.lengths[len(insns)] += 1
        self.shapes.add(hash(tuple(renamed(insns))))
        if observation.main is not None:
            if observation.main.verified is not None:
                self.processed[observation.main.verified] += 1
            counts["guest load microseconds"] += (
                sum(loaded.nanoseconds for loaded in observation.answer.attempts) // 1000
            )
        if observation.log is not None:
            counts["unparsed log lines"] += len(observation.log.unknown)

    def runs(self, observation: Observation) -> None:
        """Count the forms that each engine of the kernel executed in a program that was run."""
        if not observation.accepted or observation.case.program.type in ATTACHED:
            return
        ran = [loaded for loaded in observation.answer.attempts if any(run.errno == 0 for run in loaded.runs)]
        engines = {JIT if loaded.jited_length else INTERPRETER for loaded in ran}
        for engine in engines:
            self.executed.update((form, engine) for form in observation.executed)

    def opinion(self, answer: ReferenceAnswer | None) -> None:
        """Count what the reference verifier said, and what it cost."""
        if answer is None:
            return
        self.counts[f"reference {answer.verdict.value}"] += 1
        self.reference_cost[_bucket(answer.cost.seconds)] += 1
        if answer.reason:
            self.open[re.sub(r"\d+", "N", answer.reason.split(";")[0])] += 1

    def judgements(self, kind: str, judgements: Sequence[Judgement]) -> None:
        """Count what one property said of one case."""
        disagreed = any(isinstance(j, Disagreement) and not j.gap for j in judgements)
        compared = any(not isinstance(j, Abstention) for j in judgements)
        self.cells[kind, "judged"] += compared
        self.cells[kind, "disagreed"] += disagreed
        self.cells[kind, "agreed"] += compared and not disagreed
        for judgement in judgements:
            if isinstance(judgement, Disagreement) and judgement.gap:
                self.gaps[
                    ":".join(judgement.signature.parts[1:]), judgement.gap.fixed_in, judgement.gap.proven
                ] += 1
            if isinstance(judgement, Abstention):
                self.abstained[kind, judgement.reason] += 1
            if not isinstance(judgement, Disagreement) and judgement.operation:
                self._operation(judgement)

    def _operation(self, judgement: Agreement | Abstention) -> None:
        counts, name = self.precision, judgement.operation
        counts[name, "judged"] += 1
        counts[name, "decided"] += isinstance(judgement, Agreement)
        if isinstance(judgement, Agreement) and judgement.excess is not None:
            counts[name, "measured" if judgement.excess else "open"] += 1
            counts[name, "tight"] += (
                bool(judgement.excess) and max(bits for _, bits in judgement.excess) < TIGHT
            )
            for view, bits in judgement.excess:
                counts[name, view] += bits  # type: ignore[assignment]  # Counter values may be floats


def _bucket(seconds: float) -> int:
    """Milliseconds, rounded up to a power of two."""
    return 1 << max(0, math.ceil(seconds * 1000) - 1).bit_length()


def _registers() -> list[tuple[bool, bool]]:
    fields = [(False, False)] * 256
    for form in FORMS:
        fields[form.opcode] = form.dst is Free.REGISTER, form.src is Free.REGISTER
    return fields


_REGISTERS = _registers()
"""By opcode: whether dst and src are registers."""


def renamed(insns: tuple[Insn, ...]) -> Iterator[tuple[int, int, int, int, int]]:
    """The instructions with registers numbered in order of appearance; R10 keeps its number, and so does what
    is no register."""
    names = {10: 10}
    for insn in insns:
        has_dst, has_src = _REGISTERS[insn.opcode]
        dst = names.setdefault(insn.dst, len(names)) if has_dst else insn.dst
        src = names.setdefault(insn.src, len(names)) if has_src else insn.src
        yield insn.opcode, dst, src, insn.off, insn.imm


def median(histogram: Counter[int]) -> float:
    """The median of the values counted; 0 when there are none."""
    half, total = sum(histogram.values()) / 2, 0
    for value in sorted(histogram):
        total += histogram[value]
        if total >= half:
            return float(value)
    return 0.0
