"""A virtual machine: QEMU as a child process that dies with us, a byte stream to its agent, and how it was
lost."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
from dataclasses import dataclass
from typing import Protocol

from conformance.kernel.agent import agent
from conformance.kernel.image import Image
from conformance.kernel.initramfs import initramfs
from conformance.kernel.jobs import LossReason
from conformance.kernel.qemu import Accelerator, command, find_qemu

PR_SET_PDEATHSIG = 1
CONSOLE_TAIL = 16 << 10
_libc = ctypes.CDLL(None, use_errno=True)


class Guest(Protocol):
    """What a session needs of a virtual machine; the tests have another one that is a thread."""

    def send(self, data: memoryview) -> int:
        """Hand over a beginning of ``data`` without waiting; how much.  Raises OSError when the guest is
        gone."""

    def receive(self) -> bytes | None:
        """What has come, b"" at the end, None when nothing has.  Raises OSError when the guest is gone."""

    def wait(self, seconds: float, *, writing: bool) -> None:
        """Until there is something to receive (or, when ``writing``, room to send), at most ``seconds``."""

    def loss(self) -> LossReason:
        """Why the stream ended: called once it has."""

    def console(self) -> str:
        """The tail of what the guest said on its serial console."""

    def close(self) -> None:
        """End it.  May be called again."""


@dataclass(frozen=True, slots=True)
class VirtualMachine:
    """What to boot and how.  ``boot_args`` are added to the kernel's command line."""

    image: Image
    accelerator: Accelerator = Accelerator.TCG
    boot_args: tuple[str, ...] = ()
    memory_mib: int = 1024


class Vm:
    """One QEMU process.  Its end is typed: see :meth:`loss`."""

    def __init__(self, machine: VirtualMachine) -> None:
        """Start it; the agent answers seconds later.  Raises :class:`InputError` when there is no QEMU or no
        compiler."""
        architecture = machine.image.architecture
        qemu = find_qemu(architecture)
        payload = initramfs(agent(architecture), machine.image)
        self._console = os.memfd_create("veridiff-console")
        initrd = os.memfd_create("veridiff-initramfs")
        self._port, theirs = socket.socketpair()
        try:
            with open(initrd, "wb", closefd=False) as file:
                file.write(payload)
            argv = command(
                qemu,
                machine.image,
                machine.accelerator,
                machine.boot_args,
                machine.memory_mib,
                initrd,
                self._console,
                theirs.fileno(),
            )
            parent = os.getpid()
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=self._console,
                stderr=self._console,
                pass_fds=(initrd, self._console, theirs.fileno()),
                # Ctrl-C is for us; the guest goes when the session is closed.
                start_new_session=True,
                preexec_fn=lambda: _die_with(parent),
            )
        except BaseException:
            self._port.close()
            os.close(self._console)
            raise
        finally:
            theirs.close()
            os.close(initrd)
        self._port.setblocking(False)
        self._poll = select.poll()

    def send(self, data: memoryview) -> int:
        try:
            return self._port.send(data)
        except BlockingIOError:
            return 0

    def receive(self) -> bytes | None:
        try:
            return self._port.recv(1 << 18)
        except BlockingIOError:
            return None

    def wait(self, seconds: float, *, writing: bool) -> None:
        self._poll.register(self._port, select.POLLIN | (select.POLLOUT if writing else 0))
        self._poll.poll(max(0, int(seconds * 1000)))

    def loss(self) -> LossReason:
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            return LossReason.HANG
        return LossReason.PANIC if "Kernel panic" in self.console() else LossReason.EXITED

    def console(self) -> str:
        size = os.fstat(self._console).st_size
        tail = os.pread(self._console, CONSOLE_TAIL, max(0, size - CONSOLE_TAIL))
        return tail.decode("utf-8", "replace").replace("\r", "")

    def close(self) -> None:
        if self._port.fileno() < 0:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self._port.close()
        os.close(self._console)


def _die_with(parent: int) -> None:
    """Between fork and exec: be killed when the thread that started us ends, also by SIGKILL."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
