"""What a person reads of a program that was checked."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.checking.check import Accusation, Checked, KernelAccount
from conformance.checking.explanation import words
from conformance.checking.explanation.explanation import explain
from conformance.checking.plain import outcome_json
from conformance.kernel.verdicts import Ruling
from conformance.objects import attachment
from conformance.observing.opinions import THOROUGH, opinion
from ebpf.assembly import program_listing


def describe(checked: Checked, *, listed: bool = False, logs: bool = False) -> str:
    """The program's lines.  ``listed``: its instructions were shown before, with the object that it is of."""
    program = checked.case.program
    lines = [f"{checked.name}: {program.type.name.lower()}, {len(program.instructions)} slots"]
    for kernel, account in checked.accounts.items():
        lines += _kernel(kernel, account, logs)
    for number, outcome in enumerate(checked.outcomes):
        told = (str(value) for key, value in outcome_json(outcome).items() if key != "predictable")
        lines.append(f"  interpreter, input {number}: " + " ".join(told))
    lines += _reference(checked)
    for trial in checked.trials:
        lines += attachment.lines(trial)
    for accusation in checked.accusations:
        lines += _accusation(accusation)
    if checked.accusations and not listed:
        culprits = {each.disagreement.culprit for each in checked.accusations}
        lines += [
            f"    {'>>>' if at in culprits else '   '} {at:4}: {text}"
            for at, text in program_listing(program)
        ]
    return "\n".join(lines)


def _kernel(kernel: str, account: KernelAccount, logs: bool) -> Iterator[str]:
    yield f"  {kernel}: {_ruling(account.ruling)}"
    why = explain(account.case.program, account.ruling, account.log, account.missing)
    if why is not None:
        yield from words.lines(why, account.case.program)
    if logs:
        yield from (f"    | {line}" for line in account.log.splitlines())


def _ruling(ruling: Ruling) -> str:
    where = "" if ruling.instruction is None else f" at instruction {ruling.instruction}"
    phase = f" ({ruling.phase.value})" if ruling.phase else ""
    said = ": ".join(each for each in (ruling.reason, ruling.message) if each)
    return f"{ruling.verdict.value}{where}{phase}{': ' + said if said else ''}"


def _reference(checked: Checked) -> Iterator[str]:
    answer = opinion(checked.case, THOROUGH)
    where = "" if answer.at is None else f" at instruction {answer.at}"
    said = (
        f": {answer.rule} ({answer.detail})" if answer.rule else f": {answer.reason}" if answer.reason else ""
    )
    yield f"  reference: {answer.verdict.value}{where}{said}"
    if answer.rule:
        yield f"    rule {answer.rule.name}: {answer.rule.statement} ({answer.rule.source})"
    for each in answer.policy:
        since = "" if each.since == (0, 0) else f", since {each.since[0]}.{each.since[1]}"
        before = "" if each.before is None else f", before {each.before[0]}.{each.before[1]}"
        detail = each.detail or each.rule.statement
        yield f"  reference: breaks {each.rule} at instruction {each.at}{since}{before}: {detail}"


def _accusation(accusation: Accusation) -> Iterator[str]:
    disagreement = accusation.disagreement
    title = (
        "gap" if disagreement.gap else f"known: {accusation.known}" if accusation.known else "DISAGREEMENT"
    )
    yield f"  {title} on {accusation.kernel}: {disagreement.kind}: {disagreement.statement}"
