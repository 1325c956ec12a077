"""What the agent says of itself and its kernel when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from conformance.kernel.architecture import Architecture, matching
from conformance.kernel.protocol.frames import (
    PROTOCOL_VERSION,
    U32,
    WIRE_ORDER,
    PayloadReader,
    ProtocolError,
    blob,
)

_TAIL = WIRE_ORDER.layout("2IQ")


class Knob(IntFlag):
    """What the agent found it can set or read."""

    JIT = 1
    """bpf_jit_enable can be written."""
    HARDEN = 2
    UNPRIVILEGED = 4
    """unprivileged_bpf_disabled is 0."""
    SYSRQ = 8
    KERNEL_BTF = 16
    TRACEFS = 32
    LOG_TRUE_SIZE = 64
    """The kernel tells how large a log would have been (Linux 6.4)."""


@dataclass(frozen=True, slots=True)
class Hello:
    """``release`` and ``machine`` as uname gives them; ``cpus`` possible CPUs; ``uptime_nanoseconds`` of the
    guest."""

    release: str
    machine: str
    cpus: int
    knobs: Knob
    uptime_nanoseconds: int = 0

    @property
    def architecture(self) -> Architecture:
        """The row of that machine.  Raises :class:`ebpf.errors.InputError` for one that has none."""
        return matching(self.machine)[0]


def decode_hello(payload: bytes) -> Hello:
    """Raises :class:`ProtocolError`, also for an agent of another version."""
    reader = PayloadReader(payload)
    version = reader.u32()
    if version != PROTOCOL_VERSION:
        raise ProtocolError(f"the agent speaks version {version}, we speak {PROTOCOL_VERSION}")
    release, machine = (reader.blob().decode("utf-8", "replace") for _ in range(2))
    cpus, knobs, uptime = reader.fields(_TAIL)
    reader.end()
    return Hello(release, machine, cpus, Knob(knobs), uptime)


def encode_hello(hello: Hello) -> bytes:
    """What the agent sends."""
    return b"".join(
        [
            U32.pack(PROTOCOL_VERSION),
            blob(hello.release.encode()),
            blob(hello.machine.encode()),
            _TAIL.pack(hello.cpus, hello.knobs, hello.uptime_nanoseconds),
        ]
    )
