from __future__ import annotations
import click
@click.command()
def kernels() -> None:
    """Not yet."""
