"""``veridiff bench``: throughput as ratios."""

from __future__ import annotations

import dataclasses

import click
import msgspec

from conformance.cli.options import boot_option, images, json_option, kernel_option


@click.command()
@kernel_option
@boot_option
@click.option(
    "--examples", type=click.IntRange(min=10), default=1000, show_default=True, help="Programs to judge."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@json_option
def bench(
    kernels: tuple[str, ...], boot_args: tuple[str, ...], examples: int, seed: int, as_json: bool
) -> int:
    """Measure what a judged program costs, and compare with the agent loading the same programs alone."""
    from conformance.bench.bench import measure

    for image in images(kernels):
        found = measure(image, examples, seed, boot_args)
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
            "  peak memory " + ", ".join(f"{name} {mib} MiB" for name, mib in found.memory_mib.items())
        )
    return 0
