from __future__ import annotations
import click
@click.command()
def plugin() -> None:
    """Not yet."""
