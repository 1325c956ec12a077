"""QEMU's command line for one guest."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from enum import Enum
from functools import cache

from conformance.kernel.architecture import Architecture, Emulation
from conformance.kernel.image import Image
from ebpf.errors import InputError
from ebpf.releases import Before

PORT_NAME = "veridiff"


class Accelerator(Enum):
    """How the guest's instructions are executed."""

    KVM = "kvm"
    TCG = "tcg"


@dataclass(frozen=True, slots=True)
class Qemu:
    """An installed emulator: ``major`` is its version's first number."""

    path: str
    major: int
    architecture: Architecture


@cache
def find_qemu(architecture: Architecture) -> Qemu:
    """The emulator of one architecture.  Raises :class:`InputError` naming what to install."""
    emulation = architecture.emulation
    path = shutil.which(emulation.binary)
    if path is None:
        raise InputError(
            f"no {emulation.binary}: install QEMU (Debian: apt-get install {' '.join(emulation.packages)}), "
            "version 8 or newer"
        )
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\d+)\.", done.stdout)
    if found is None:
        raise InputError(f"{path} --version does not tell a version")
    return Qemu(path, int(found[1]), architecture)


def cpu_model(qemu: Qemu, image: Image) -> str:
    """The architecture's, or the lesser one of an old emulator: TCG before QEMU 8 corrupts flags on x86's
    cmpxchg16b and stock kernels die at random, but kernels from 7.0 on cannot live without it (arena maps
    fail)."""
    emulation = qemu.architecture.emulation
    lesser = emulation.cpu_before_8 if qemu.major < 8 and image.version in Before("7.0") else None
    return lesser or emulation.cpu


def _kernel_arguments(guest: Emulation, boot_args: tuple[str, ...]) -> tuple[str, ...]:
    return (
        f"console={guest.console}",
        "loglevel=5",  # warnings and worse: what is wanted of a guest that died
        "panic=-1",  # reboot at once, which -no-reboot turns into QEMU's exit
        *guest.boot_args,
        *boot_args,
    )


def in_short(image: Image, accelerator: Accelerator, boot_args: tuple[str, ...]) -> str:
    """The command line for whoever boots the kernel by hand: words in capitals stand for files."""
    guest = image.architecture.emulation
    cpu = "host" if accelerator is Accelerator.KVM else guest.cpu
    line = [guest.binary, "-machine", guest.machine, "-accel", accelerator.value, "-cpu", cpu, "-nographic"]
    line += ["-m", "1024", "-no-reboot", "-kernel", "KERNEL", "-initrd", "INITRAMFS"]
    return shlex.join([*line, "-append", " ".join(_kernel_arguments(guest, boot_args))])


def command(
    qemu: Qemu,
    image: Image,
    accelerator: Accelerator,
    boot_args: tuple[str, ...],
    memory_mib: int,
    initrd_fd: int,
    console_fd: int,
    port_fd: int,
) -> list[str]:
    """The whole command line.  The three descriptors are inherited: no file of a guest has a name that could
    be left behind."""
    guest = qemu.architecture.emulation
    append = _kernel_arguments(guest, boot_args)
    return [
        qemu.path,
        # nothing but what is listed here
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-monitor",
        "none",
        "-machine",
        guest.machine,
        "-accel",
        "kvm" if accelerator is Accelerator.KVM else "tcg",
        "-cpu",
        "host" if accelerator is Accelerator.KVM else cpu_model(qemu, image),
        # one: per-CPU maps have one value, and a job's run is the only thing that happens
        "-smp",
        "1",
        "-m",
        str(memory_mib),
        # a panic ends the process
        "-no-reboot",
        "-kernel",
        str(image.vmlinuz),
        "-initrd",
        f"/proc/self/fd/{initrd_fd}",
        "-append",
        " ".join(append),
        # the guest's console goes to a file that only we hold
        "-chardev",
        f"file,id=console,path=/proc/self/fd/{console_fd},append=on",
        "-serial",
        "chardev:console",
        # the agent's port
        "-device",
        f"{guest.serial_device},max_ports=2",
        "-chardev",
        f"socket,id=agent,fd={port_fd}",
        "-device",
        f"virtserialport,chardev=agent,name={PORT_NAME}",
    ]
