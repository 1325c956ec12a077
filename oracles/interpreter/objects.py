"""What the kernel owns and a program holds a pointer to: sockets, ring-buffer records, structures known by
BTF only."""

from __future__ import annotations

from ebpf import rules
from ebpf.maps import MapField
from ebpf.sockets import SIZES, SocketKind, socket_field
from ebpf.wording import in_bytes
from oracles.interpreter.environment import Environment
from oracles.interpreter.memory import Region
from oracles.interpreter.signals import Abstain, Trap


class SocketRegion(Region):
    """A socket as ``kind`` shows it.  Its fields are whatever the kernel has there: drawn once, then they
    stay."""

    __slots__ = ("kind",)

    def __init__(self, kind: SocketKind, environment: Environment) -> None:
        size = SIZES[kind]
        super().__init__(
            kind.value,
            bytearray(size),
            environment.base(size),
            rules.SOCKET_ACCESS,
            writable=False,
            defined=False,
        )
        self.kind = kind

    def check(self, offset: int, size: int) -> None:
        """Trap unless a load of ``size`` bytes may read there."""
        if socket_field(self.kind, offset, size) is None:
            raise Trap(rules.SOCKET_ACCESS, f"{in_bytes(size)} at {self.kind.value}{offset:+d}")


class KernelRegion(Region):
    """A structure of which only the kernel's BTF tells the layout."""

    __slots__ = ()

    def __init__(self, name: str, environment: Environment) -> None:
        super().__init__(
            name or "kernel structure",
            bytearray(),
            environment.base(4096),
            rules.MEMORY_BOUNDS,
            writable=False,
        )

    def check(self) -> None:
        """No access is modelled."""
        raise Abstain(f"access to {self.name}")


class VariableRegion(KernelRegion):
    """A per-CPU variable of the kernel's, of so many bytes, which only helpers follow."""

    __slots__ = ("size",)

    def __init__(self, name: str, size: int, environment: Environment) -> None:
        super().__init__(name, environment)
        self.size = size


class BorrowedRegion(KernelRegion):
    """A structure that is not held: it is there for as long as ``protected``."""

    __slots__ = ("protected",)

    def __init__(self, original: Region, environment: Environment, *, protected: bool) -> None:
        super().__init__(original.name, environment)
        self.base = original.base
        self.protected = protected


class ObjectRegion(Region):
    """An object of the program's own: ``type`` is its struct's id in the program's BTF.  Views of one object
    share its bytes, and each has a lifetime of its own; ``shared``: there may be others."""

    __slots__ = ("shared", "type")

    def __init__(
        self, name: str, kind: int, size: int, fields: tuple[MapField, ...], environment: Environment
    ) -> None:
        super().__init__(name, bytearray(size), environment.base(size), rules.MEMORY_BOUNDS, defined=False)
        self.type = kind
        self.special = fields
        self.shared = False

    def view(self, environment: Environment) -> ObjectRegion:
        """The same object, seen by another pointer."""
        other = ObjectRegion(self.name, self.type, 0, self.special, environment)
        other.data, other.written, other.base = self.data, self.written, self.base
        other.pointers, other.remains, other.kept = self.pointers, self.remains, self.kept
        other.linked = self.linked
        other.shared = self.shared
        return other


class RecordRegion(Region):
    """A record reserved in a ring buffer: memory of its own until it is submitted or discarded."""

    __slots__ = ()

    def __init__(self, size: int, environment: Environment) -> None:
        super().__init__(
            "record", bytearray(size), environment.base(size), rules.MEMORY_BOUNDS, defined=False
        )
