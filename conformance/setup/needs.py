"""What a sub-command needs from the machine, as data: a report asks for no emulator."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from enum import Flag, auto
from pathlib import Path

from conformance.kernel import images
from conformance.kernel.architecture import DEFAULT, Architecture
from conformance.kernel.debian import PREFIX
from ebpf.errors import VeridiffError


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


def architectures_of(arguments: Sequence[str]) -> list[Architecture]:
    """The architectures of the kernels that a command line names; the host's own when it names none.

    A name that is wrong is left to the command to refuse.
    """
    found: dict[Architecture, None] = {}
    for before, argument in zip(("", *arguments), arguments, strict=False):
        value = argument.removeprefix("--kernel=")
        named = before == "--kernel" or value != argument
        if value.startswith(PREFIX) or (named and Path(value).is_file()):
            with contextlib.suppress(VeridiffError):
                found.update(dict.fromkeys(images.architectures_of(value)))
    return list(found) or [DEFAULT]


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
