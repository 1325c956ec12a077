"""``veridiff kernels``: which kernels there are, and what each supports."""

from __future__ import annotations

import click
import msgspec
from rich.console import Console
from rich.table import Table

from conformance.cli.options import boot_option, images, json_option
from conformance.kernel.architecture import DEFAULT, matching
from conformance.kernel.images import list_images


@click.group()
def kernels() -> None:
    """Kernel images: what apt offers, what is cached, what each supports."""


@kernels.command("list")
@click.argument("architectures", nargs=-1, metavar="[ARCHITECTURE]...")
@json_option
def list_(architectures: tuple[str, ...], as_json: bool) -> None:
    """What apt offers and what is cached, for this machine's architecture or those named (a glob: '*')."""
    chosen = dict.fromkeys(row for pattern in architectures or (DEFAULT.debian,) for row in matching(pattern))
    listed = [item for architecture in chosen for item in list_images(architecture)]
    if as_json:
        click.echo(
            msgspec.json.encode(
                [
                    {
                        "name": item.name,
                        "architecture": item.architecture.debian,
                        "offered": item.offered,
                        "cached": item.cached,
                    }
                    for item in listed
                ]
            )
        )
        return
    for item in listed:
        state = ", ".join(
            word for word, holds in (("cached", item.cached), ("offered", item.offered)) if holds
        )
        click.echo(f"{item.name:<36} {item.architecture.debian:<8} {state}")


@kernels.command("fetch")
@click.argument("names", nargs=-1, required=True)
@json_option
def fetch_(names: tuple[str, ...], as_json: bool) -> None:
    """Fetch kernels into the cache."""
    for image in images(names):
        if as_json:
            click.echo(
                msgspec.json.encode(
                    {"name": image.name, "version": image.version, "vmlinuz": str(image.vmlinuz)}
                )
            )
        else:
            click.echo(f"{image.name}  {image.version}  {image.vmlinuz}")


@kernels.command("probe")
@click.argument("names", nargs=-1, required=True)
@boot_option
@json_option
def probe_(names: tuple[str, ...], boot_args: tuple[str, ...], as_json: bool) -> None:
    """Boot each kernel and find out what it supports: yes, no, or could not tell."""
    from conformance.kernel.features import probe
    from conformance.kernel.session import KernelSession

    probed = []
    for image in images(names):
        with KernelSession.open(image, boot_args) as session:
            probed.append((image.name, probe(session)))
    if as_json:
        click.echo(
            msgspec.json.encode(
                [
                    {
                        "name": name,
                        "release": features.release,
                        "features": [
                            {
                                "kind": row.kind.value,
                                "name": row.name,
                                "answer": row.answer.value,
                                "evidence": row.evidence,
                            }
                            for row in features.rows
                        ],
                    }
                    for name, features in probed
                ]
            )
        )
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("kind")
    table.add_column("feature")
    for _, features in probed:
        table.add_column(features.release)
    for row in probed[0][1].rows:
        table.add_row(
            row.kind.value, row.name, *(features.answer(row.kind, row.name).value for _, features in probed)
        )
    Console(highlight=False, soft_wrap=True).print(table)
