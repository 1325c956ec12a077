"""CPU architectures: everything that differs between the machines we boot is a column of this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import Final

from ebpf.byte_order import ByteOrder
from ebpf.errors import InputError
from ebpf.machine import REFERENCE_MACHINE, TargetMachine


class ImageFormat(Enum):
    """How a kernel is packed for its boot loader: by its format an image given as a file tells for which
    architecture it is."""

    BZIMAGE = "bzImage"
    """x86's: a boot header before a packed vmlinux (Documentation/arch/x86/boot.rst)."""
    ARM64_IMAGE = "arm64 Image"
    """The kernel as it lies in memory behind a header of 64 bytes (Documentation/arch/arm64/booting.rst)."""
    RISCV_IMAGE = "RISC-V Image"
    """The same with another mark (Documentation/arch/riscv/boot-image-header.rst)."""
    POWERPC_VMLINUX = "powerpc vmlinux"
    """The ELF file as it was linked."""
    S390 = "s390 bzImage"
    """A packed vmlinux behind its decompressor (arch/s390/boot)."""


@dataclass(frozen=True, slots=True)
class Emulation:
    """The machine that QEMU is asked for."""

    binary: str
    packages: tuple[str, ...]
    """Debian's, that bring the binary and the firmware it needs."""
    machine: str
    cpu: str
    console: str
    """The serial port's name in the guest."""
    serial_device: str = "virtio-serial-pci"
    """What has the agent's port, on the machine's own kind of bus."""
    cpu_before_8: str | None = None
    """The model under TCG of QEMU 7 and older, for kernels that can live with it (see qemu.cpu_model)."""
    boot_args: tuple[str, ...] = ()


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
    machine: TargetMachine
    """What programs must know of it."""
    image_format: ImageFormat
    emulation: Emulation
    syscall_prefix: str
    """Before the name of a system call's function (SYSCALL_WRAPPER, arch/*/include/asm/syscall_wrapper.h)."""

    def __reduce__(self) -> tuple[Callable[[str], Architecture], tuple[str]]:
        """A worker process gets the row of its own table, not a copy that is no row."""
        return _row, (self.name,)

    @property
    def byte_order(self) -> ByteOrder:
        """Of its numbers in memory."""
        return self.machine.byte_order

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
    machine=REFERENCE_MACHINE,
    image_format=ImageFormat.BZIMAGE,
    emulation=Emulation(
        binary="qemu-system-x86_64",
        packages=("qemu-system-x86",),
        machine="pc",
        cpu="max",
        cpu_before_8="max,-cx16",
        console="ttyS0",
        # TCG's timers are late under load, and the kernel's check of them then panics.
        boot_args=("no_timer_check", "i8042.noaux", "i8042.nokbd", "tsc=reliable"),
    ),
    syscall_prefix="__x64_sys_",
)

ARM64: Final = Architecture(
    name="aarch64",
    debian="arm64",
    flavour="cloud-arm64",
    elf_machine="EM_AARCH64",
    triplet="aarch64-linux-gnu",
    compiler_package="gcc-aarch64-linux-gnu",
    libc_package="libc6-dev-arm64-cross",
    machine=TargetMachine(registers_known=False),
    image_format=ImageFormat.ARM64_IMAGE,
    emulation=Emulation(
        binary="qemu-system-aarch64",
        packages=("qemu-system-arm",),
        machine="virt",
        # The architected algorithm of pointer authentication costs TCG a third of its speed.
        cpu="max,pauth-impdef=on",
        console="ttyAMA0",
    ),
    syscall_prefix="__arm64_sys_",
)
RISCV64: Final = Architecture(
    name="riscv64",
    debian="riscv64",
    flavour="riscv64",
    elf_machine="EM_RISCV",
    triplet="riscv64-linux-gnu",
    compiler_package="gcc-riscv64-linux-gnu",
    libc_package="libc6-dev-riscv64-cross",
    # Debian does not set CONFIG_RISCV_EFFICIENT_UNALIGNED_ACCESS.
    machine=TargetMachine(strict_alignment=True, registers_known=False, verifier_extends=True),
    image_format=ImageFormat.RISCV_IMAGE,
    emulation=Emulation(
        binary="qemu-system-riscv64",
        packages=("qemu-system-riscv", "opensbi"),
        machine="virt",
        cpu="max",
        console="ttyS0",
    ),
    syscall_prefix="__riscv_sys_",
)
S390X: Final = Architecture(
    name="s390x",
    debian="s390x",
    flavour="s390x",
    elf_machine="EM_S390",
    triplet="s390x-linux-gnu",
    compiler_package="gcc-s390x-linux-gnu",
    libc_package="libc6-dev-s390x-cross",
    machine=TargetMachine(ByteOrder.BIG, registers_known=False),
    image_format=ImageFormat.S390,
    emulation=Emulation(
        binary="qemu-system-s390x",
        packages=("qemu-system-s390x",),
        machine="s390-ccw-virtio",
        cpu="max",
        console="ttyS0",
        serial_device="virtio-serial-ccw",
    ),
    syscall_prefix="__s390x_sys_",
)
PPC64LE: Final = Architecture(
    name="ppc64le",
    debian="ppc64el",
    flavour="powerpc64le",
    elf_machine="EM_PPC64",
    triplet="powerpc64le-linux-gnu",
    compiler_package="gcc-powerpc64le-linux-gnu",
    libc_package="libc6-dev-ppc64el-cross",
    machine=TargetMachine(registers_known=False, verifier_extends=True),
    image_format=ImageFormat.POWERPC_VMLINUX,
    emulation=Emulation(
        binary="qemu-system-ppc64",
        packages=("qemu-system-ppc",),
        machine="pseries",
        cpu="max",
        console="hvc0",
    ),
    syscall_prefix="sys_",
)

ARCHITECTURES: Final = (X86_64, ARM64, RISCV64, S390X, PPC64LE)
DEFAULT: Final = X86_64
"""Of a kernel whose name says none."""
TESTED: Final = ARM64
"""Beside the default the one that the project's own tests boot, where its packages can be had."""


def _row(name: str) -> Architecture:
    return next(row for row in ARCHITECTURES if row.name == name)


def matching(pattern: str) -> tuple[Architecture, ...]:
    """The rows whose name, Debian's or the machine's own, is matched by a glob; never empty.

    Raises :class:`InputError` when there are none.
    """
    rows = tuple(
        row for row in ARCHITECTURES if fnmatchcase(row.debian, pattern) or fnmatchcase(row.name, pattern)
    )
    if not rows:
        known = ", ".join(architecture.debian for architecture in ARCHITECTURES)
        raise InputError(f"{pattern}: no such architecture; there are: {known}")
    return rows


def of_format(image_format: ImageFormat) -> Architecture:
    """The row whose kernels are packed so."""
    return next(row for row in ARCHITECTURES if row.image_format is image_format)
