"""``veridiff check``: files through every oracle and kernel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import click
import msgspec

from conformance.checking import explanation
from conformance.checking.check import Checked, as_json, check, outcome_json
from conformance.cli import inputs
from conformance.cli.objects import describe_object
from conformance.cli.options import against_option, boot_option, images, kernel_option
from conformance.kernel.verdicts import Judgement
from conformance.objects import attachment
from conformance.objects.attachment import place_of
from conformance.observing.door import Door
from conformance.observing.opinions import THOROUGH, opinion
from conformance.observing.siblings import Siblings, names_of
from ebpf.assembly import listing

PATIENCE = 600.0
"""Seconds for one program: a person asked for it, and a million instructions take a kernel minutes without
KVM."""


@click.command("check")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@kernel_option
@boot_option
@against_option
@click.option("--json", "json_lines", is_flag=True, help="One line of JSON per program, in the order given.")
def check_command(
    paths: tuple[Path, ...],
    kernels: tuple[str, ...],
    boot_args: tuple[str, ...],
    against: tuple[str, ...],
    json_lines: bool,
) -> int:
    """Put programs to kernels and oracles, and say where they disagree.

    PATHS are case files (.json, also a finding's), ELF objects (.o), hex (.hex) or assembly in the kernel's
    dialect (.s, .asm), or directories of them. A bare program is a socket filter. Of an ELF object (.o) every
    program is put, after its stages of opening; what is accepted, and no oracle objects to, is attached where
    its section says, and triggered. Exit status: 1 when something disagrees.
    """
    from conformance.kernel.features import probe
    from conformance.kernel.session import KernelSession

    cases = list(inputs.load(paths))
    places = {}
    for file in inputs.objects(paths):
        places.update(
            {
                f"{file.name}:{each.section}/{each.name}": place_of(each, file.generation)
                for each in file.programs
            }
        )
        if not json_lines:
            click.echo(describe_object(file))
    disagreed = False
    with ExitStack() as stack:
        sessions = []
        others = names_of(against)
        for image in images(kernels):
            session = stack.enter_context(KernelSession.open(image, boot_args, job_seconds=PATIENCE))
            siblings = stack.enter_context(closing(Siblings(name for name in others if name != image.name)))
            sessions.append((Door.of_session(session, siblings), image.name, session, probe(session)))
        for name, case in cases:
            checked = Checked(name, case)
            for door, kernel, session, features in sessions:
                check(checked, kernel, door, features.support(case.program))
                place = places.get(name)
                if place is not None and checked.attachable(kernel):
                    checked.trials += attachment.attach(case, place, kernel, session)
            disagreed |= any(not each.gap for _, each in checked.disagreements)
            click.echo(msgspec.json.encode(as_json(checked)) if json_lines else describe(checked))
    return 1 if disagreed else 0


def _reference(checked: Checked) -> Iterator[str]:
    answer = opinion(checked.case, THOROUGH)
    where = "" if answer.at is None else f" at instruction {answer.at}"
    said = (
        f": {answer.rule} ({answer.detail})" if answer.rule else f": {answer.reason}" if answer.reason else ""
    )
    yield f"  reference: {answer.verdict.value}{where}{said}"
    for each in answer.policy:
        since = "" if each.since == (0, 0) else f", since {each.since[0]}.{each.since[1]}"
        before = "" if each.before is None else f", before {each.before[0]}.{each.before[1]}"
        detail = each.detail or each.rule.statement
        yield f"  reference: breaks {each.rule} at instruction {each.at}{since}{before}: {detail}"


def describe(checked: Checked) -> str:
    """What a person reads of one case."""
    lines = [
        f"{checked.name}: {checked.case.program.type.name.lower()}, "
        f"{len(checked.case.program.instructions)} slots"
    ]
    lines += [f"  {kernel}: {_ruling(ruling)}" for kernel, ruling in checked.rulings.items()]
    for number, outcome in enumerate(checked.outcomes):
        told = (str(value) for key, value in outcome_json(outcome).items() if key != "predictable")
        lines.append(f"  interpreter, input {number}: " + " ".join(told))
    lines += _reference(checked)
    lines += explanation.lines(checked.case)
    for trial in checked.trials:
        lines += attachment.lines(trial)
    for kernel, each in checked.disagreements:
        lines.append(f"  {'gap' if each.gap else 'DISAGREEMENT'} on {kernel}: {each.kind}: {each.statement}")
        lines += [
            f"    {'>>>' if at == each.culprit else '   '} {at:4}: {text}"
            for at, text in listing(checked.case.program.instructions)
        ]
    return "\n".join(lines)


def _ruling(ruling: Judgement) -> str:
    where = "" if ruling.instruction is None else f" at instruction {ruling.instruction}"
    phase = f" ({ruling.phase.value})" if ruling.phase else ""
    said = ruling.message or ruling.reason
    return f"{ruling.verdict.value}{where}{phase}{': ' + said if said else ''}"
