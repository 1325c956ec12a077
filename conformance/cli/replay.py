from __future__ import annotations
import click
@click.command()
def replay() -> None:
    """Not yet."""
