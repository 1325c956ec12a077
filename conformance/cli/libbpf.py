"""``veridiff libbpf``: ELF objects as libbpf itself and our reader see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from conformance.cli.inputs import files_of
from conformance.cli.options import boot_option, images, json_option, kernel_option
from conformance.kernel.peer import PEERS
from conformance.kernel.peer.asking import ask
from conformance.kernel.session import KernelSession
from conformance.objects.accounts import of_peer, of_reading
from conformance.objects.reading import read
from conformance.observing.door import judge_object
from conformance.observing.object_observation import ObjectObservation
from conformance.properties.judgement import Abstention, Disagreement, Judgement
from conformance.properties.registry import PROPERTIES
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
                    ours, theirs = read(data, peer.generation), ask(session, peer, data)
                    seen = _Judged(ObjectObservation(ObjectFile(data), peer, ours, theirs))
                    disagreed |= bool(seen.disagreements)
                    click.echo(
                        msgspec.json.encode(_plain(name, image.name, seen))
                        if as_json
                        else "\n".join(_lines(name, seen))
                    )
    return 1 if disagreed else 0


class _Judged:
    """An object as both saw it, and what the properties of objects say."""

    def __init__(self, observation: ObjectObservation) -> None:
        self.observation = observation
        judgements: list[Judgement] = [
            judgement for row in PROPERTIES.values() for judgement in judge_object(observation, row)
        ]
        self.disagreements = [each for each in judgements if isinstance(each, Disagreement)]
        self.abstentions = [each for each in judgements if isinstance(each, Abstention)]


def _lines(name: str, judged: _Judged) -> Iterator[str]:
    yield f"{name}: {judged.observation.peer.name}"
    for title, account in (
        ("veridiff", of_reading(judged.observation.ours)),
        ("libbpf", of_peer(judged.observation.theirs)),
    ):
        yield f"  {title}:"
        yield from (f"    {line}" for line in account.splitlines())
    yield from (f"  DISAGREEMENT: {each.kind}: {each.statement}" for each in judged.disagreements)
    reasons = dict.fromkeys(each.reason for each in judged.abstentions)
    yield from (f"  not compared: {reason}" for reason in reasons)
    if not reasons and not judged.disagreements:
        yield "  they agree"


def _plain(name: str, kernel: str, judged: _Judged) -> dict[str, object]:
    return {
        "object": name,
        "kernel": kernel,
        "peer": judged.observation.peer.name,
        "ours": of_reading(judged.observation.ours),
        "theirs": of_peer(judged.observation.theirs),
        "disagreements": [{"kind": each.kind, "statement": each.statement} for each in judged.disagreements],
        "not_compared": [each.reason for each in judged.abstentions],
    }
