"""KVM or not: known only by booting, since /dev/kvm may create a machine and then fail on a stock kernel
(nested, paravirtual)."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from conformance.kernel.cache import cache_directory
from conformance.kernel.compiling import is_native
from conformance.kernel.image import Image
from conformance.kernel.link import GuestLost, Link
from conformance.kernel.protocol.frames import FrameKind, ProtocolError, WireFrame
from conformance.kernel.qemu import Accelerator
from conformance.kernel.vm import VirtualMachine, Vm

TRIAL_SECONDS = 15.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def accelerator(image: Image) -> Accelerator:
    """KVM when ``image`` boots with it on this machine, else TCG.  The answer is kept until this machine is
    booted again."""
    return _accelerator(image)


@cache
def _accelerator(image: Image) -> Accelerator:
    if not is_native(image.architecture) or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return Accelerator.TCG
    kept = _kept()
    try:
        return Accelerator(kept.read_text().strip())
    except (OSError, ValueError):
        answer = Accelerator.KVM if _boots_with_kvm(image) else Accelerator.TCG
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(answer.value + "\n")
        return answer


def _kept() -> Path:
    boot_id = BOOT_ID.read_text().strip() if BOOT_ID.exists() else "unknown"
    return cache_directory() / f"accelerator-{boot_id}"


def distrust_kvm() -> None:
    """After a boot that failed: another kernel may have booted with KVM where this one does not.  From now on
    TCG."""
    kept = _kept()
    if kept.exists() and kept.read_text().strip() == Accelerator.KVM.value:
        kept.write_text(Accelerator.TCG.value + "\n")
        _accelerator.cache_clear()


def _boots_with_kvm(image: Image) -> bool:
    link = Link(Vm(VirtualMachine(image, Accelerator.KVM)))
    try:
        link.queue(WireFrame(FrameKind.HELLO, 0).encode())
        link.expect(FrameKind.HELLO, TRIAL_SECONDS)
    except (GuestLost, ProtocolError):
        return False
    finally:
        link.close()
    return True


def boot(image: Image, boot_args: tuple[str, ...] = (), memory_mib: int = 1024) -> Vm:
    """Start a machine, with KVM where it works."""
    return Vm(VirtualMachine(image, accelerator(image), boot_args, memory_mib))
