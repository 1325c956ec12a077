"""CPU architectures: everything that differs between the machines we boot is a column of this table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from ebpf.byte_order import ByteOrder
from ebpf.errors import InputError


class ImageFormat(Enum):
    """How a kernel is packed for its boot loader."""

    BZIMAGE = "bzImage"


@dataclass(frozen=True, slots=True)
class Emulation:
    """The machine that QEMU is asked for."""

    binary: str
    package: str
    """Debian's, that brings the binary."""
    machine: str
    cpu: str
    cpu_before_8: str
    """The model under TCG of QEMU 7 and older, for kernels that can live with it (see qemu.cpu_model)."""
    console: str
    """The serial port's name in the guest."""
    boot_args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Architecture:
    """One row; ``name`` is what ``uname -m`` says there."""

    name: str
    debian: str
    """Debian's name of it: packages, and kernel names such as ``debian:6.12@amd64``."""
    flavour: str
    """Debian's flavour of kernel that is made for virtual machines."""
    elf_machine: str
    """Of executables: e_machine, by elf.h's name."""
    triplet: str
    """Of headers, libraries and cross compilers."""
    compiler_package: str
    """Debian's package of the cross compiler ``<triplet>-gcc``."""
    libc_package: str
    """Debian's package of the static C library, for that cross compiler."""
    byte_order: ByteOrder
    image_format: ImageFormat
    emulation: Emulation

    @property
    def cross_compiler(self) -> str:
        """Its command on any other machine."""
        return f"{self.triplet}-gcc"

    @property
    def kernel_packages(self) -> str:
        """A regular expression of the names of Debian's packages that hold a kernel."""
        return rf"linux-(?:image|binary)-[0-9].*-{self.flavour}"


X86_64: Final = Architecture(
    name="x86_64",
    debian="amd64",
    flavour="cloud-amd64",
    elf_machine="EM_X86_64",
    triplet="x86_64-linux-gnu",
    compiler_package="gcc-x86-64-linux-gnu",
    libc_package="libc6-dev-amd64-cross",
    byte_order=ByteOrder.LITTLE,
    image_format=ImageFormat.BZIMAGE,
    emulation=Emulation(
        binary="qemu-system-x86_64",
        package="qemu-system-x86",
        machine="pc",
        cpu="max",
        cpu_before_8="max,-cx16",
        console="ttyS0",
        # TCG's timers are late under load, and the kernel's check of them then panics.
        boot_args=("no_timer_check", "i8042.noaux", "i8042.nokbd", "tsc=reliable"),
    ),
)

ARCHITECTURES: Final = (X86_64,)
DEFAULT: Final = X86_64
"""Of a kernel whose name says none."""


def named(debian: str) -> Architecture:
    """The row by Debian's name.  Raises :class:`InputError` for one that has none."""
    for architecture in ARCHITECTURES:
        if architecture.debian == debian:
            return architecture
    known = ", ".join(architecture.debian for architecture in ARCHITECTURES)
    raise InputError(f"{debian}: no such architecture; there are: {known}")
