"""Options that several commands share, and what their values mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from conformance.kernel.image import Image
from conformance.kernel.images import fetch_all

DEFAULT_KERNEL = "debian:6.12"
F = TypeVar("F", bound=Callable[..., Any])


def kernels_option(default: str) -> Callable[[F], F]:
    """``--kernel``; ``default`` says in words what stands for none."""
    return click.option(
        "--kernel",
        "kernels",
        multiple=True,
        metavar="NAME|PATH",
        help="A kernel: debian:6.12, debian:6.12.107-1, a glob in quotes, or a bzImage. Repeatable. "
        f"[default: {default}]",
    )


kernel_option = kernels_option(DEFAULT_KERNEL)
boot_option = click.option(
    "--boot-arg",
    "boot_args",
    multiple=True,
    metavar="A",
    help="An argument for the kernel's command line. Repeatable.",
)
against_option = click.option(
    "--against",
    "against",
    multiple=True,
    metavar="NAME|PATH",
    help="A kernel to ask about a refusal of a safe program: only what another accepts is a finding. "
    "Repeatable. [default: the newest cached of each series, 6.1, 6.12 and the newest]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


def images(names: tuple[str, ...], default: str = DEFAULT_KERNEL) -> tuple[Image, ...]:
    """The kernels that ``names`` stand for, fetched where they are not cached; in the order given, each
    once."""
    found = (image for pattern in names or (default,) for image in fetch_all(pattern))
    return tuple({image.name: image for image in found}.values())
