from __future__ import annotations
import click
@click.command()
def report() -> None:
    """Not yet."""
@click.command()
def compare() -> None:
    """Not yet."""
