"""``veridiff test``: the project's own tests, through tox."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from ebpf.errors import InputError

ROOT = Path(__file__).parents[2]


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "-e",
    "--environment",
    "environments",
    multiple=True,
    help="A tox environment. Repeatable. [default: unit, vm, lint]",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(environments: tuple[str, ...], arguments: tuple[str, ...]) -> int:
    """Run the project's own tests. Further arguments go to pytest."""
    if not (ROOT / "tox.ini").exists():
        raise InputError(f"{ROOT}: not a checkout: the tests are not installed with the package")
    command = [sys.executable, "-m", "tox", "run", *(f"-e{name}" for name in environments)]
    done = subprocess.run([*command, *(("--", *arguments) if arguments else ())], cwd=ROOT, check=False)
    return 1 if done.returncode else 0
