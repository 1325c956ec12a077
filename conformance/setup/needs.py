"""What a sub-command needs from the machine, as data: a report asks for no emulator."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Flag, auto


class Need(Flag):
    """Things to be had before a command can do its work."""

    ENVIRONMENT = auto()
    """A virtual environment with veridiff's dependencies."""
    DEVELOPMENT = auto()
    """The dependencies of its tests as well."""
    EMULATOR = auto()
    COMPILER = auto()
    """A C compiler that links statically, for the agent in the guest."""
    BROWSER = auto()
    """Chromium, for the reports' browser test; that test skips without it."""


_KERNEL = Need.ENVIRONMENT | Need.EMULATOR | Need.COMPILER
_TEST = _KERNEL | Need.DEVELOPMENT | Need.BROWSER

NEEDS: dict[tuple[str, ...], Need] = {
    ("run",): _KERNEL,
    ("check",): _KERNEL,
    ("replay",): _KERNEL,
    ("libbpf",): _KERNEL,
    ("bench",): _KERNEL,
    ("kernels", "probe"): _KERNEL,
    ("plugin", "kernel"): _KERNEL,
    ("test",): _TEST,
    ("setup",): _TEST,
}
"""Command words → needs; every other command needs the environment alone."""


def needs_of(arguments: Sequence[str]) -> Need:
    """The needs of a command line.  Asking for help needs no kernel."""
    if {"--help", "-h"} & set(arguments):
        return Need.ENVIRONMENT
    words = tuple(argument for argument in arguments if not argument.startswith("-"))
    if (
        words[:1] == ("corpus",)
        and words[1:2]
        and (not words[1].endswith(".gz") or {"--kernel", "--mutants"} & set(arguments))
    ):
        # Only a file of records that is judged by what it says itself does without a kernel.
        return _KERNEL
    return NEEDS.get(words[:1]) or NEEDS.get(words[:2]) or Need.ENVIRONMENT
