from __future__ import annotations
import click
@click.command()
def test() -> None:
    """Not yet."""
