"""What a helper takes, gives and does to the program's state: ``struct bpf_func_proto`` of
include/linux/bpf.h (Linux 6.12)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ebpf.helper_names import HELPER_NUMBERS
from ebpf.helpers.map_types import maps_for
from ebpf.maps import MapType


class ArgKind(Enum):
    """``enum bpf_arg_type``, by what the helper does with it.

    Memory that a SIZE argument follows has that many bytes.  *MEM* and *MEM_OR_NULL* are read and may be
    written, *RDONLY* only read, *UNINIT* only written; *FIXED* memory has ``Arg.size`` bytes: plain is read,
    *UNINIT* written, *INOUT* both.
    """

    ANYTHING = "anything"
    CTX = "context"
    CTX_OR_NULL = "context or null"
    CONST_MAP = "map"
    MAP_KEY = "map key"
    MAP_VALUE = "map value"
    MAP_VALUE_OR_NULL = "map value or null"
    MAP_VALUE_UNINIT = "room for a map value"
    MEM = "memory"
    MEM_OR_NULL = "memory or null"
    MEM_RDONLY = "readable memory"
    MEM_OR_NULL_RDONLY = "readable memory or null"
    MEM_UNINIT = "room"
    SIZE = "size"
    SIZE_OR_ZERO = "size or zero"
    ALLOC_SIZE_OR_ZERO = "constant size to allocate, or zero"
    FIXED_MEM = "memory of fixed size"
    FIXED_MEM_INOUT = "memory of fixed size, updated"
    FIXED_MEM_UNINIT = "room of fixed size"
    SPIN_LOCK = "spin lock"
    SOCKET = "socket"
    SOCKET_OR_NULL = "socket or null"
    SOCK_COMMON = "socket of any kind"
    BTF_ID_SOCK_COMMON = "socket of any kind, or a kernel one"
    RINGBUF_MEM = "reserved record"
    FUNC = "function"
    STACK_OR_NULL = "stack or null"
    CONST_STR = "constant string"
    TIMER = "timer"
    KPTR = "kernel pointer's place in a map value"
    PERCPU_BTF_ID = "per-CPU kernel variable"
    BTF_ID = "kernel structure"
    BTF_ID_OR_NULL = "kernel structure or null"
    DYNPTR = "dynptr"
    DYNPTR_UNINIT = "room for a dynptr"


@dataclass(frozen=True, slots=True)
class Arg:
    """``size`` of FIXED memory; ``name`` of the kernel's structure, or the kind of a dynptr.  ``aligned``:
    its address must be a multiple of ``size`` (ARG_PTR_TO_INT and ARG_PTR_TO_LONG, MEM_ALIGNED since 6.12).
    ``zero_since``: the first kernel that takes a SIZE of 0 there; None where none does.
    """

    kind: ArgKind
    size: int = 0
    name: str = ""
    aligned: bool = False
    zero_since: tuple[int, int] | None = None


class ResultKind(Enum):
    """``enum bpf_return_type``."""

    INTEGER = "integer"
    VOID = "nothing"
    MAP_VALUE = "map value"
    MAP_VALUE_OR_NULL = "map value or null"
    SOCKET_OR_NULL = "socket or null"
    SOCK_COMMON_OR_NULL = "socket of any kind or null"
    TCP_SOCK_OR_NULL = "TCP socket or null"
    ALLOC_MEM_OR_NULL = "allocated memory or null"
    DYNPTR_MEM_OR_NULL = "a dynptr's memory or null"
    MEM_OR_BTF_ID = "kernel variable"
    MEM_OR_BTF_ID_OR_NULL = "kernel variable or null"
    BTF_ID = "kernel structure"
    BTF_ID_OR_NULL = "kernel structure or null"

    @property
    def nullable(self) -> bool:
        """Whether the result may be null."""
        return self.name.endswith("_OR_NULL")


@dataclass(frozen=True, slots=True)
class Prototype:
    """One helper.

    ``acquires``: a result that is not null must be released; ``releases``: the argument (1 to 5) that is.
    ``maps``: types it may be given, None for a helper that takes no map.  ``changes_packet``: packet pointers
    are invalid after it.  ``packet_access``: its memory arguments may lie in the packet.  ``sleepable``: only
    sleepable programs may call it.  ``since``: the first kernel that has it.
    """

    name: str
    number: int
    args: tuple[Arg, ...]
    result: ResultKind
    gpl_only: bool = False
    acquires: bool = False
    releases: int | None = None
    maps: frozenset[MapType] | None = None
    changes_packet: bool = False
    packet_access: bool = False
    sleepable: bool = False
    since: str = "3.18"


def helper(
    name: str,
    *args: ArgKind | Arg,
    result: ResultKind = ResultKind.INTEGER,
    gpl: bool = False,
    acquires: bool = False,
    releases: int | None = None,
    changes: bool = False,
    packet: bool = False,
    sleepable: bool = False,
    since: str = "3.18",
) -> Prototype:
    """A row of a table: the number comes from the name, the map types from the kernel's compatibility
    rules."""
    whole = tuple(Arg(arg) if isinstance(arg, ArgKind) else arg for arg in args)
    takes_map = any(arg.kind is ArgKind.CONST_MAP for arg in whole)
    return Prototype(
        name,
        HELPER_NUMBERS[name],
        whole,
        result,
        gpl,
        acquires,
        releases,
        maps_for(name) if takes_map else None,
        changes,
        packet,
        sleepable,
        since,
    )
