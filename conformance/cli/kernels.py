"""``veridiff kernels``: which kernels there are, and what each supports."""

from __future__ import annotations

import click
import msgspec
from rich.console import Console
from rich.table import Table

from conformance.cli.options import boot_option, images, json_option
from conformance.kernel.images import fetch, list_images, resolve


@click.group()
def kernels() -> None:
    """Kernel images: what apt offers, what is cached, what each supports."""


@kernels.command("list")
@json_option
def list_(as_json: bool) -> None:
    """What apt offers and what is cached."""
    listed = list_images()
    if as_json:
        click.echo(
            msgspec.json.encode([{"name": i.name, "offered": i.offered, "cached": i.cached} for i in listed])
        )
        return
    for item in listed:
        state = ", ".join(
            word for word, holds in (("cached", item.cached), ("offered", item.offered)) if holds
        )
        click.echo(f"{item.name:<32} {state}")


@kernels.command("fetch")
@click.argument("names", nargs=-1, required=True)
@json_option
def fetch_(names: tuple[str, ...], as_json: bool) -> None:
    """Fetch kernels into the cache."""
    for name in dict.fromkeys(name for pattern in names for name in resolve(pattern)):
        image = fetch(name)
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
