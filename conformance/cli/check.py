"""``veridiff check``: files through every oracle and kernel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from conformance.campaign import known
from conformance.checking.brought import BroughtProgram
from conformance.checking.check import Checked, check
from conformance.checking.patience import Patience
from conformance.checking.plain import as_json
from conformance.checking.words import describe
from conformance.cli import inputs
from conformance.cli.objects import describe_object
from conformance.cli.options import against_option, boot_option, images, kernel_option
from conformance.kernel.features import Features, probe
from conformance.kernel.image import Image
from conformance.kernel.session import KernelSession
from conformance.objects import attachment
from conformance.observing.door import Door
from conformance.observing.machines import Machines, RunningKernel
from conformance.observing.siblings import Siblings, names_of, others_like
from ebpf.errors import InputError

PATIENCE = 600.0
"""Seconds for one program: a person asked for it, and a million instructions take a kernel minutes without
KVM."""


@click.command("check")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@kernel_option
@boot_option
@against_option
@click.option("--json", "json_lines", is_flag=True, help="One line of JSON per program, in the order given.")
@click.option("--log", "logs", is_flag=True, help="The kernels' verifier logs too.")
def check_command(
    paths: tuple[Path, ...],
    kernels: tuple[str, ...],
    boot_args: tuple[str, ...],
    against: tuple[str, ...],
    json_lines: bool,
    logs: bool,
) -> int:
    """Put programs to kernels and oracles, and say where they disagree.

    PATHS are case files (.json, also a finding's), ELF objects (.o), hex (.hex), assembly (.s, .asm: the
    kernel's dialect, LLVM's, or llvm-objdump's listing), verifier logs (.log), or directories of them. A bare
    program is a socket filter. Of an ELF object (.o) every program is put, after its stages of opening,
    relocated for each kernel by its own types; what is accepted, and no oracle objects to, is attached where
    its section says, and triggered. A refusal is explained from the kernel's log.

    Exit status: 1 when something disagrees that is neither known nor a gap, else 2 when a file was bad (the
    others are checked all the same), else 3 when no kernel gave a verdict.
    """
    programs, refusals = _read(paths)
    for refusal in refusals:
        click.echo(f"veridiff: {refusal}", err=True)
    if not programs:
        return 2
    issues = known.load()
    disagreed = judged = False
    with Patience(len(programs)) as patience, _ask(images(kernels), boot_args, against) as asked:
        shown: set[int] = set()
        for brought in programs:
            source = brought.source
            if source is not None and not json_lines and id(source) not in shown:
                shown.add(id(source))
                click.echo(describe_object(source.opened(asked[0].image)))
            checked = Checked(brought.name, brought.case)
            for each in asked:
                patience.begin(f"{brought.name} on {each.image.name}")
                each.put(brought, checked, issues)
            disagreed |= any(each.new for each in checked.accusations)
            judged |= any(account.judged for account in checked.accounts.values())
            patience.finish()
            listed = source is not None
            click.echo(
                msgspec.json.encode(as_json(checked, logs=logs))
                if json_lines
                else describe(checked, listed=listed, logs=logs)
            )
    return 1 if disagreed else 2 if refusals else 0 if judged else 3


def _read(paths: Iterable[Path]) -> tuple[list[BroughtProgram], list[str]]:
    """The programs of all files, and why some files have none."""
    programs: list[BroughtProgram] = []
    refusals: list[str] = []
    for path in paths:
        try:
            for file in inputs.files_of((path,)):
                try:
                    programs += inputs.read(file)
                except InputError as error:
                    refusals.append(str(error))
        except InputError as error:
            refusals.append(str(error))
    return programs, refusals


@dataclass(frozen=True, slots=True)
class AskedKernel:
    """A kernel that runs and is asked about every program."""

    image: Image
    session: KernelSession
    features: Features
    door: Door

    def put(self, brought: BroughtProgram, checked: Checked, issues: tuple[known.KnownIssue, ...]) -> None:
        """Ask it about one program; attach what it takes where that belongs."""
        name = self.image.name
        check(checked, name, self.door, self.features.support, issues, brought.edition(self.image))
        if brought.place is not None and checked.attachable(name):
            case = checked.accounts[name].case
            checked.trials += attachment.attach(case, brought.place, name, self.session)


@contextmanager
def _ask(
    chosen: tuple[Image, ...], boot_args: tuple[str, ...], against: tuple[str, ...]
) -> Iterator[tuple[AskedKernel, ...]]:
    others = names_of(against, [image.architecture for image in chosen])
    with ExitStack() as stack:
        machines = stack.enter_context(closing(Machines(KernelSession.open, PATIENCE)))
        yield tuple(_boot(stack, machines, image, boot_args, others) for image in chosen)


def _boot(
    stack: ExitStack, machines: Machines, image: Image, boot_args: tuple[str, ...], others: tuple[str, ...]
) -> AskedKernel:
    if boot_args:
        session = stack.enter_context(KernelSession.open(image, boot_args, job_seconds=PATIENCE))
        machine = RunningKernel(session, probe(session))
    else:
        machine = machines.boot(image)
    siblings = Siblings(others_like(image, others), machines)
    return AskedKernel(image, machine.session, machine.features, Door.of_session(machine.session, siblings))
