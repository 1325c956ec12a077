"""``veridiff plugin``: one side of bpf_conformance's plug-in protocol."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from conformance.cli.options import DEFAULT_KERNEL, images
from conformance.kernel.jobs import Attempt, Jit, Job
from conformance.plugin.plugin import parse_hex, program_of_elf, program_of_hex, result, wrap
from conformance.plugin.wrapped import WrappedProgram
from ebpf.byte_order import ByteOrder
from ebpf.errors import InputError
from ebpf.isa import opcodes as o
from ebpf.isa.forms import Form
from ebpf.isa.table import IllegalInsn, form_of
from ebpf.machine import TargetMachine
from oracles.interpreter import Returned, Step, run
from oracles.interpreter.runs import STEP_LIMIT

if TYPE_CHECKING:
    from conformance.kernel.session import KernelSession


@click.group()
def plugin() -> None:
    """Run one program for bpf_conformance.

    The program is read from standard input in hex, the memory it works on is the first argument in hex (it
    may be empty), and R0 is printed in hex. After --elf the program is an ELF file instead. Further
    arguments, which a runner may add, are ignored.

    Hex digits of a program are little-endian whatever the machine, as the suite writes them; memory is what
    it says, byte by byte, which a big-endian machine reads in its own way.

    A runner that takes an executable is given a script: exec veridiff plugin interpreter "$@"
    """


def _wrapped(arguments: tuple[str, ...], machine: TargetMachine) -> WrappedProgram:
    memory = next(iter(arguments), "")
    text = sys.stdin.read()
    if "--elf" in arguments:
        try:
            program = program_of_elf(parse_hex(text, "standard input"))
        except InputError as error:
            raise _unsupported(str(error)) from None
    else:
        program = program_of_hex(text)
    return wrap(program, parse_hex("" if memory.startswith("--") else memory, "memory"), machine)


def _unsupported(why: str) -> click.exceptions.Exit:
    click.echo(f"unsupported: {why}", err=True)
    return click.exceptions.Exit(1)


_arguments = click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
_settings = {"ignore_unknown_options": True, "allow_extra_args": True}


@plugin.command("interpreter", context_settings=_settings)
@click.option(
    "--byte-order",
    type=click.Choice([order.value for order in ByteOrder]),
    default=ByteOrder.LITTLE.value,
    show_default=True,
    help="Of the machine: what a program finds in memory depends on it.",
)
@_arguments
def interpreter(byte_order: str, arguments: tuple[str, ...]) -> None:
    """Our interpreter runs it."""
    order = ByteOrder(byte_order)
    wrapped = _wrapped(arguments, TargetMachine(order))
    trace: list[Step] = []
    outcome = run(wrapped.case, wrapped.case.inputs[0], trace=trace, limit=STEP_LIMIT)
    fault = wrapped.fault(outcome, trace)
    if fault is not None or not isinstance(outcome, Returned):
        raise _unsupported(fault or "no result")
    click.echo(f"{result(outcome.maps, order):x}")


@plugin.command("kernel", context_settings=_settings)
@click.option(
    "--kernel",
    "name",
    default=DEFAULT_KERNEL,
    show_default=True,
    metavar="NAME|PATH",
    help="The kernel to run it.",
)
@_arguments
def kernel(name: str, arguments: tuple[str, ...]) -> None:
    """A kernel in a virtual machine runs it: with its JIT, where it has one."""
    from conformance.kernel.session import KernelSession

    image = images((name,))[0]
    machine = image.architecture.machine
    wrapped = _wrapped(arguments, machine)
    forms = _forms(wrapped)
    with KernelSession.open(image) as session:
        answer = session.run(Job(wrapped.case, (Attempt(Jit.ON, 1),)))
        loaded = getattr(answer, "attempts", ())[:1]
        if not loaded or loaded[0].errno or not loaded[0].runs or loaded[0].runs[0].errno:
            raise _refused(session, forms, loaded[0].log.strip() if loaded else str(answer))
    click.echo(f"{result(loaded[0].runs[0].maps, machine.byte_order):x}")


def _forms(wrapped: WrappedProgram) -> set[Form]:
    """The forms of its instructions."""
    forms = set()
    after_wide = False
    for at, insn in enumerate(wrapped.case.program.instructions):
        if not after_wide:
            try:
                forms.add(form_of(insn))
            except IllegalInsn as error:
                raise _unsupported(f"at instruction {wrapped.own_slot(at)}: {error}") from None
        after_wide = not after_wide and insn.opcode == o.LD_IMM64
    return forms


def _refused(session: KernelSession, forms: Iterable[Form], log: str) -> click.exceptions.Exit:
    """Why the kernel does not run it: it does not know a form, or what its log says."""
    from conformance.kernel.features import probe
    from conformance.kernel.features.answers import Answer3, FeatureKind

    features = probe(session)
    lacking = sorted(
        form.name for form in forms if features.answer(FeatureKind.INSTRUCTION, form.name) is Answer3.NO
    )
    if lacking:
        return _unsupported(f"{features.release} has no {', '.join(lacking)}")
    return _unsupported(f"{features.release} does not run it:\n{log}")
