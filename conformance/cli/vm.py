"""``veridiff vm``: a program of one's own in a kernel's virtual machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from conformance.cli.options import DEFAULT_KERNEL, boot_option
from conformance.kernel.children import MAX_SECONDS, Child, Ended
from conformance.kernel.images import fetch
from conformance.kernel.jobs import Lost
from conformance.kernel.session import KernelSession
from conformance.kernel.static_program import read_static
from ebpf.errors import InputError, VeridiffError

CANNOT_TELL = 125
"""What ``git bisect run`` skips: the program did not run to its end."""
CONSOLE_LINES = 100


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--kernel", default=DEFAULT_KERNEL, show_default=True, metavar="NAME|PATH", help="The kernel to boot."
)
@boot_option
@click.option(
    "--seconds",
    type=click.IntRange(1, MAX_SECONDS),
    default=60,
    show_default=True,
    help="Time for the program, before it is killed.",
)
@click.option(
    "--memory", type=click.IntRange(min=128), default=1024, show_default=True, help="The guest's, in MiB."
)
@click.argument("program", type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def vm(
    kernel: str,
    boot_args: tuple[str, ...],
    seconds: int,
    memory: int,
    program: Path,
    arguments: tuple[str, ...],
) -> int:
    """Run a static program as root in the virtual machine of a kernel: veridiff vm --kernel K -- ./program
    args.

    What it prints comes out here, and its exit status (128 and the number of a signal that ended it) is this
    command's; 125 where it did not run to its end, or the kernel does not boot. The guest has /proc, /sys
    and /dev, and no other program, no network and none of the host's files. In a kernel tree:

    \b
    git bisect run sh -c 'make -j"$(nproc)" bzImage || exit 125
      exec veridiff vm --kernel arch/x86/boot/bzImage -- /path/to/reproducer --yes-this-is-a-vm'
    """
    try:
        return _run(kernel, boot_args, seconds, memory, program, arguments)
    except VeridiffError as error:
        click.echo(f"veridiff vm: {str(error).strip()}", err=True)
        return CANNOT_TELL


def _run(
    kernel: str,
    boot_args: tuple[str, ...],
    seconds: int,
    memory: int,
    program: Path,
    arguments: tuple[str, ...],
) -> int:
    image = fetch(kernel)
    try:
        child = Child(
            0, read_static(program, image.architecture), arguments, b"", 1000 * seconds, memory_mib=memory
        )
    except ValueError as error:
        raise InputError(f"{program}: {error}") from None
    with KernelSession.open(image, boot_args, job_seconds=seconds + 30.0, memory_mib=memory) as session:
        ended = session.execute(child, again=False)
    if isinstance(ended, Lost):
        console = "\n".join(ended.console.rstrip().splitlines()[-CONSOLE_LINES:])
        raise VeridiffError(f"the virtual machine was lost ({ended.reason.value}); its console:\n{console}")
    _pass_on(ended)
    if ended.errno:
        raise VeridiffError(f"{program}: {ended.how}, after {ended.nanoseconds / 1e9:.1f} s")
    return 128 + os.WTERMSIG(ended.status) if os.WIFSIGNALED(ended.status) else os.WEXITSTATUS(ended.status)


def _pass_on(ended: Ended) -> None:
    """What it printed, byte by byte, and what the kernel said meanwhile."""
    for stream, content in ((sys.stdout, ended.output), (sys.stderr, ended.errors)):
        stream.flush()
        stream.buffer.write(content)
        stream.flush()
    for splat in ended.splats:
        click.echo(f"veridiff vm: the kernel says: {splat}", err=True)
