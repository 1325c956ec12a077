"""Features and the three answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from conformance.kernel.verdicts import Support
from ebpf.isa.forms import Form
from ebpf.isa.table import IllegalInsn, form_of
from ebpf.program import LoadFlag, Program
from ebpf.releases import Release


class Answer3(Enum):
    """UNKNOWN: the kernel refused the probe for another reason than not knowing the feature, or did not
    answer."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "could not tell"


class FeatureKind(Enum):
    """What a feature is of."""

    INSTRUCTION = "instruction"
    PROGRAM_TYPE = "program type"
    MAP_TYPE = "map type"
    LOAD_FLAG = "load flag"
    TEST_RUN = "test run"
    KERNEL = "kernel"


@dataclass(frozen=True, slots=True)
class Feature:
    """One answer: ``evidence`` is the kernel's own word for it (a message, an errno), or how it was found."""

    kind: FeatureKind
    name: str
    answer: Answer3
    evidence: str


OLDEST = Release(5, 10)
"""The oldest kernel we put programs to; what came before it is not probed."""


def is_probed(form: Form) -> bool:
    """Whether kernels we meet may lack the instruction."""
    return not form.since or Release.parse(form.since) >= OLDEST


@dataclass(frozen=True, slots=True)
class Features:
    """Everything probed of one kernel.  ``release`` is ``uname -r``."""

    release: str
    rows: tuple[Feature, ...]
    _table: dict[tuple[FeatureKind, str], Answer3] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_table", {(row.kind, row.name): row.answer for row in self.rows})

    def answer(self, kind: FeatureKind, name: str) -> Answer3:
        """UNKNOWN also for what was not probed."""
        return self._table.get((kind, name), Answer3.UNKNOWN)

    def names(self, kind: FeatureKind) -> tuple[str, ...]:
        """What of a kind the kernel said yes to."""
        return tuple(row.name for row in self.rows if row.kind is kind and row.answer is Answer3.YES)

    def support(self, program: Program) -> Support:
        """Of what ``program`` needs, what this kernel lacks and what could not be told.  Kernel functions and
        attach targets are looked up when it is loaded."""
        found: dict[Answer3, list[str]] = {answer: [] for answer in Answer3}
        for kind, name in _needs(program):
            found[self.answer(kind, name)].append(f"{kind.value} {name}")
        return Support(tuple(found[Answer3.NO]), tuple(found[Answer3.UNKNOWN]))


def _needs(program: Program) -> list[tuple[FeatureKind, str]]:
    needs = [(FeatureKind.PROGRAM_TYPE, program.type.name.lower())]
    needs += [(FeatureKind.MAP_TYPE, spec.type.name.lower()) for spec in program.maps]
    needs += [
        (FeatureKind.LOAD_FLAG, flag.name.lower()) for flag in LoadFlag if flag & program.flags and flag.name
    ]
    forms = set()
    after_wide = False
    for insn in program.instructions:
        if after_wide:
            after_wide = False
            continue
        try:
            form = form_of(insn)
        except IllegalInsn:
            continue  # no kernel has it: the refusal is to be expected, and is a verdict
        after_wide = form.slots == 2
        if is_probed(form):
            forms.add(form.name)
    return list(dict.fromkeys(needs)) + [(FeatureKind.INSTRUCTION, name) for name in sorted(forms)]
