"""An explanation: which instruction a kernel refused, which register, what is known of it there, where its
value came from, and what is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.checking.explanation.claims import describe_claim
from conformance.checking.explanation.need import RefusalKind
from conformance.checking.explanation.needs import NEEDS
from conformance.checking.explanation.origin import LONGEST, OriginStep, StepKind, path_from, trace_back
from conformance.checking.explanation.refused import Refused
from conformance.kernel.jobs import KernelVerdict
from conformance.kernel.refusals import find_refusal
from conformance.kernel.verdicts import Ruling
from ebpf.helpers import prototype_for
from ebpf.isa import opcodes as o
from ebpf.objects.core_patches import POISON
from ebpf.program import Program
from ebpf.verifier_log.claims import Claim, PointerClaim
from ebpf.verifier_log.events import FailureReport
from ebpf.verifier_log.exploration import Exploration
from ebpf.verifier_log.log import Log, parse_log

LINES = 6
"""Of a refusal, the last one included."""
_LEAK = re.compile(r"Unreleased reference id=\d+ alloc_insn=(\d+)")
_UPDATE = re.compile(r"^  insn (\d+)\n(?:.*\n)?.*\^-- (\w+)", re.M)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a program is refused; what is not known is empty or None."""

    at: int | None
    """The slot that the kernel refused."""
    message: str
    """The kernel's own words."""
    register: int | None = None
    """The register that they are about."""
    role: str = ""
    """What the instruction has it for."""
    wanted: str | None = None
    """What the helper's prototype asks of it."""
    known: str = ""
    """What the kernel knows of it there."""
    needed: str = ""
    origin: tuple[OriginStep, ...] = ()
    """How its value came to be, or how the path got here; the newest first."""
    missing: str = ""
    """What a CO-RE relocation names that the kernel's types do not have."""
    reason: str = ""
    """The kernel's own explanation (7.x)."""
    suggestion: str = ""

    @property
    def explained(self) -> bool:
        """Whether it says more than the kernel's message."""
        return bool(self.needed or self.missing)


def explain(
    program: Program, ruling: Ruling, log: str, missing: tuple[tuple[int, str], ...] = ()
) -> Explanation | None:
    """Why the kernel refused a program, by its log; None where it did not."""
    if ruling.verdict is not KernelVerdict.REJECT:
        return None
    refused = _read(program, ruling, parse_log(log))
    need, match = _need(refused)
    register = need.register(refused, match) if need and match else _named(ruling.message)
    role = None if register is None else refused.role(register)
    report = refused.log.report
    return Explanation(
        refused.at,
        ruling.message,
        register,
        role.value if role else "",
        None if register is None else _wanted(refused, register),
        _all_known(refused, register, ruling.message),
        need.sentence(refused, match) if need and match else "",
        _origin(refused, register, report),
        _missing(refused, missing),
        _section(report, "Reason"),
        _section(report, "Suggestion"),
    )


def _read(program: Program, ruling: Ruling, log: Log) -> Refused:
    exploration = Exploration(log, program.instructions)
    last = exploration.last
    node = last if last is not None and last.insn == ruling.instruction else None
    lines = [line for line in log.messages if line]
    end = next((at for at, line in enumerate(lines) if line == ruling.message), len(lines) - 1)
    messages = tuple(lines[max(0, end + 1 - LINES) : end + 1]) or (ruling.message,)
    return Refused(program, ruling.instruction, messages, log, exploration, node)


def _need(refused: Refused) -> tuple[RefusalKind | None, re.Match[str] | None]:
    """The row that says most: of the last line, or else of one before it."""
    for line in reversed(refused.messages):
        for row in NEEDS:
            match = row.pattern.match(line)
            if match is not None:
                return row, match
    return None, None


def _named(message: str) -> int | None:
    found = re.search(r"\bR(\d+)\b", message)
    return int(found[1]) if found and int(found[1]) <= 10 else None


def _wanted(refused: Refused, register: int) -> str | None:
    insn = refused.insn
    if insn is None or insn.opcode != o.JMP | o.CALL or insn.src:
        return None
    prototype = prototype_for(insn.imm, refused.program.type)
    known = prototype is not None and 1 <= register <= len(prototype.args)
    return prototype.args[register - 1].kind.value if prototype and known else None


def _origin(refused: Refused, register: int | None, report: FailureReport | None) -> tuple[OriginStep, ...]:
    leak = next((found for line in refused.messages if (found := _LEAK.match(line))), None)
    if refused.node is not None:
        if leak is not None:
            return tuple(path_from(refused.exploration, refused.node, int(leak[1])))[-LONGEST:]
        if register is not None:
            both = dict.fromkeys(each for each in (register, refused.other_operand) if each is not None)
            return trace_back(refused.exploration, refused.node, both, refused.invalidates)
    return tuple(_causal(report))


def _all_known(refused: Refused, register: int | None, message: str) -> str:
    """What is known of the register and, where another is added to it, of that."""
    if register is None:
        return ""
    known, other = _known(refused.claim(register), message), refused.other_operand
    beside = "" if other in (None, register) else _known(refused.claim(other or 0), message)
    return "; ".join([*([known] if known else []), *([f"r{other}: {beside}"] if beside else [])])


def _known(claim: Claim | None, message: str) -> str:
    """Nothing where the message shows that the log, which prints changes only, did not print this one."""
    if isinstance(claim, PointerClaim) and (
        _NUMBER.search(message) or (claim.nullable and not _NULLABLE.search(message))
    ):
        return ""
    return "" if claim is None else describe_claim(claim)


_NULLABLE = re.compile(r"or_null|NULL|kptr")
_NUMBER = re.compile(r"invalid mem access '(?:scalar|inv)'|type=(?:scalar|inv) ")
_KINDS = {"update": StepKind.SET, "spilled": StepKind.SET, "acquired": StepKind.ACQUIRED}


def _causal(report: FailureReport | None) -> Iterator[OriginStep]:
    """The kernel's own account of the path (7.x), the newest first."""
    found = _UPDATE.findall(_raw(report, "Causal path"))
    for number, what in reversed(found):
        if what in _KINDS:
            yield OriginStep(int(number), _KINDS[what])


def _raw(report: FailureReport | None, title: str) -> str:
    return next((text for name, text in report.sections if name == title), "") if report else ""


def _section(report: FailureReport | None, title: str) -> str:
    return " ".join(_raw(report, title).split())


def _missing(refused: Refused, missing: tuple[tuple[int, str], ...]) -> str:
    return dict(missing).get(refused.at, "") if refused.at is not None and refused.insn == POISON else ""


def explain_log(program: Program, log: str) -> Explanation | None:
    """The same of a log that was kept; None where it holds no refusal."""
    found = find_refusal(log)
    if found is None:
        return None
    ruling = Ruling(
        KernelVerdict.REJECT, message=found.message, phase=found.phase, instruction=found.instruction
    )
    return explain(program, ruling, log)
