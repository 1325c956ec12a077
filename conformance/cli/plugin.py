"""``veridiff plugin``: one side of bpf_conformance's plug-in protocol."""

from __future__ import annotations

import sys

import click

from conformance.cli.options import DEFAULT_KERNEL, images
from conformance.kernel.jobs import Attempt, Jit, Job
from conformance.plugin.plugin import parse_hex, program_of_elf, result, wrap
from conformance.plugin.wrapped import WrappedProgram
from ebpf.errors import InputError
from ebpf.isa.table import IllegalInsn, form_of
from oracles.interpreter import Returned, Step, run
from oracles.interpreter.runs import STEP_LIMIT


@click.group()
def plugin() -> None:
    """Run one program for bpf_conformance.

    The program is read from standard input in hex, the memory it works on is the first argument in hex (it
    may be empty), and R0 is printed in hex. After --elf the program is an ELF file instead. Further
    arguments, which a runner may add, are ignored.

    A runner that takes an executable is given a script: exec veridiff plugin interpreter "$@"
    """


def _wrapped(arguments: tuple[str, ...]) -> WrappedProgram:
    memory = next(iter(arguments), "")
    program = parse_hex(sys.stdin.read(), "standard input")
    if "--elf" in arguments:
        try:
            program = program_of_elf(program)
        except InputError as error:
            raise _unsupported(str(error)) from None
    return wrap(program, parse_hex("" if memory.startswith("--") else memory, "memory"))


def _unsupported(why: str) -> click.exceptions.Exit:
    click.echo(f"unsupported: {why}", err=True)
    return click.exceptions.Exit(1)


_arguments = click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
_settings = {"ignore_unknown_options": True, "allow_extra_args": True}


@plugin.command("interpreter", context_settings=_settings)
@_arguments
def interpreter(arguments: tuple[str, ...]) -> None:
    """Our interpreter runs it."""
    wrapped = _wrapped(arguments)
    trace: list[Step] = []
    outcome = run(wrapped.case, wrapped.case.inputs[0], trace=trace, limit=STEP_LIMIT)
    fault = wrapped.fault(outcome, trace)
    if fault is not None or not isinstance(outcome, Returned):
        raise _unsupported(fault or "no result")
    click.echo(f"{result(outcome.maps):x}")


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
    """A kernel in a virtual machine runs it, with its JIT."""
    from conformance.kernel.features import probe
    from conformance.kernel.features.answers import Answer3, FeatureKind
    from conformance.kernel.session import KernelSession

    wrapped = _wrapped(arguments)
    case = wrapped.case
    forms = set()
    after_wide = False
    for at, insn in enumerate(case.program.instructions):
        if not after_wide:
            try:
                forms.add(form_of(insn))
            except IllegalInsn as error:
                raise _unsupported(f"at instruction {wrapped.own_slot(at)}: {error}") from None
        after_wide = not after_wide and insn.opcode == 0x18
    with KernelSession.open(images((name,))[0]) as session:
        features = probe(session)
        lacking = sorted(
            form.name for form in forms if features.answer(FeatureKind.INSTRUCTION, form.name) is Answer3.NO
        )
        if lacking:
            raise _unsupported(f"{features.release} has no {', '.join(lacking)}")
        answer = session.run(Job(case, (Attempt(Jit.ON, 1),)))
    loaded = getattr(answer, "attempts", ())[:1]
    if not loaded or loaded[0].errno or not loaded[0].runs or loaded[0].runs[0].errno:
        log = loaded[0].log.strip() if loaded else str(answer)
        raise _unsupported(f"{features.release} does not run it:\n{log}")
    click.echo(f"{result(loaded[0].runs[0].maps):x}")
