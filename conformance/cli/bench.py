"""``veridiff bench``: throughput as ratios."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click
import msgspec

from conformance.cli.options import boot_option, images, json_option, kernel_option
from conformance.cli.property_option import property_option

if TYPE_CHECKING:
    from conformance.kernel.image import Image


@click.command()
@kernel_option
@boot_option
@click.option(
    "--examples", type=click.IntRange(min=10), default=1000, show_default=True, help="Programs to judge."
)
@property_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--lengths",
    is_flag=True,
    help="Measure programs from the shortest to some 10,000 instructions instead, per instruction.",
)
@json_option
def bench(
    kernels: tuple[str, ...],
    boot_args: tuple[str, ...],
    examples: int,
    kinds: tuple[str, ...],
    seed: int,
    lengths: bool,
    as_json: bool,
) -> int:
    """Measure what a judged program costs, and compare with the agent loading the same programs alone."""
    from conformance.bench.bench import measure

    for image in images(kernels):
        if lengths:
            _lengths(image, boot_args, seed, as_json)
            continue
        found = measure(image, examples, seed, boot_args, kinds)
        if as_json:
            click.echo(msgspec.json.encode({**dataclasses.asdict(found), "ratio": found.ratio}))
            continue
        click.echo(
            f"{found.kernel}: {found.programs} programs, median {found.median_instructions:.0f} instructions"
        )
        for stage, cost in found.host_ms.items():
            click.echo(f"  {stage:<10} {cost:8.2f} host CPU ms per program")
        click.echo(f"  {'all stages':<10} {sum(found.host_ms.values()):8.2f} host CPU ms per program")
        click.echo(
            f"  {'guest':<10} {found.guest_ms:8.2f} CPU ms of QEMU per program, {found.guest_load_ms:.2f} "
            "ms of it in BPF_PROG_LOAD"
        )
        click.echo(f"  agent alone {found.raw_rate:7.1f} programs/s (one load each, log level 2, same flags)")
        click.echo(f"  end to end  {found.rate:7.1f} programs/s: ratio {found.ratio:.2f}")
        click.echo(f"  idle        host {100 * found.host_idle:.0f} %, guest {100 * found.guest_idle:.0f} %")
        click.echo(
            f"  {found.disagreements} disagreements, none of them followed; {found.lost} programs took the "
            "machine away"
        )
        click.echo(
            "  peak memory " + ", ".join(f"{name} {mib} MiB" for name, mib in found.memory_mib.items())
        )
    return 0


def _lengths(image: Image, boot_args: tuple[str, ...], seed: int, as_json: bool) -> None:
    from conformance.bench.bench import LENGTHS, measure_length

    if not as_json:
        click.echo(f"{image.name}: host and BPF_PROG_LOAD, microseconds per instruction")
        click.echo("  instructions  programs  accepted     host     load")
    for productions, examples in LENGTHS:
        row = measure_length(image, productions, examples, seed, boot_args)
        if as_json:
            click.echo(msgspec.json.encode({"kernel": image.name, **dataclasses.asdict(row)}))
            continue
        click.echo(
            f"  {row.instructions:12,.0f}  {row.programs:8}  {row.accepted:8} {row.host_us:8.1f} "
            f"{row.load_us:8.1f}"
        )
