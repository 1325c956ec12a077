"""``veridiff libbpf``: ELF objects as libbpf itself and our reader see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from conformance.cli.inputs import files_of
from conformance.cli.options import boot_option, images, json_option, kernel_option
from conformance.kernel.peer import PEERS
from conformance.kernel.session import KernelSession
from conformance.object_accounts import of_peer, of_reading
from conformance.peers import Examined, examine
from conformance.properties.judgement import Abstention
from ebpf.errors import InputError
from generators.objects import ObjectFile


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@kernel_option
@boot_option
@json_option
def libbpf(
    paths: tuple[Path, ...], kernels: tuple[str, ...], boot_args: tuple[str, ...], as_json: bool
) -> int:
    """Have libbpf, 0.3 and 1, open and load ELF objects in a virtual machine, and compare with this project's
    reader.

    PATHS are objects (.o), or directories of them. Exit status: 1 when they disagree.
    """
    objects = []
    for file in files_of(paths, (".o",)):
        try:
            objects.append((str(file), file.read_bytes()))
        except OSError as error:
            raise InputError(f"{file}: {error.strerror}") from None
    disagreed = False
    for image in images(kernels):
        with KernelSession.open(image, boot_args) as session:
            for name, data in objects:
                for peer in PEERS:
                    seen = examine(session, peer, ObjectFile(data))
                    disagreed |= any(True for _ in seen.disagreements)
                    click.echo(
                        msgspec.json.encode(_plain(name, image.name, seen))
                        if as_json
                        else "\n".join(_lines(name, seen))
                    )
    return 1 if disagreed else 0


def _lines(name: str, seen: Examined) -> Iterator[str]:
    yield f"{name}: {seen.peer.name}"
    for title, account in (("veridiff", of_reading(seen.ours)), ("libbpf", of_peer(seen.theirs))):
        yield f"  {title}:"
        yield from (f"    {line}" for line in account.splitlines())
    yield from (f"  DISAGREEMENT: {each.kind.value}: {each.statement}" for each in seen.disagreements)
    reasons = dict.fromkeys(each.reason for each in seen.judgements if isinstance(each, Abstention))
    yield from (f"  not compared: {reason}" for reason in reasons)
    if not reasons and not any(True for _ in seen.disagreements):
        yield "  they agree"


def _plain(name: str, kernel: str, seen: Examined) -> dict[str, object]:
    return {
        "object": name,
        "kernel": kernel,
        "peer": seen.peer.name,
        "ours": of_reading(seen.ours),
        "theirs": of_peer(seen.theirs),
        "disagreements": [
            {"kind": each.kind.value, "statement": each.statement} for each in seen.disagreements
        ],
        "not_compared": [each.reason for each in seen.judgements if isinstance(each, Abstention)],
    }
