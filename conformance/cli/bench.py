from __future__ import annotations
import click
@click.command()
def bench() -> None:
    """Not yet."""
