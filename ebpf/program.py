"""A program and the inputs it runs on: what a case is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from ebpf.byte_order import ByteOrder
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec
from ebpf.program_types import AttachType, ProgramType


class LoadFlag(IntFlag):
    """``prog_flags`` of BPF_PROG_LOAD (include/uapi/linux/bpf.h, Linux 6.12)."""

    STRICT_ALIGNMENT = 1 << 0
    ANY_ALIGNMENT = 1 << 1
    TEST_RND_HI32 = 1 << 2
    TEST_STATE_FREQ = 1 << 3
    SLEEPABLE = 1 << 4
    XDP_HAS_FRAGS = 1 << 5
    XDP_DEV_BOUND_ONLY = 1 << 6
    TEST_REG_INVARIANTS = 1 << 7


NO_FLAGS = LoadFlag(0)


@dataclass(frozen=True, slots=True)
class Program:
    """What BPF_PROG_LOAD takes, before any kernel has seen it.

    A ``ld_imm64`` whose src is BPF_PSEUDO_MAP_FD (1) or BPF_PSEUDO_MAP_VALUE (2) holds an index into ``maps``
    in the imm of its first slot (the offset into the value in the second); so does one whose src is
    BPF_PSEUDO_MAP_IDX (5) or BPF_PSEUDO_MAP_IDX_VALUE (6), which stays as it is: ``maps`` are what the load's
    ``fd_array`` holds.  ``kfuncs`` maps instruction numbers to names of the kernel's, whose ids each kernel's
    own BTF gives: of a function that is called, or of the variable whose address a ``ld_imm64`` with
    BPF_PSEUDO_BTF_ID (3) loads.  ``attach_to`` names the kernel function or type a tracing program is for.
    """

    type: ProgramType
    instructions: tuple[Insn, ...]
    maps: tuple[MapSpec, ...] = ()
    attach_type: AttachType | None = None
    attach_to: str | None = None
    license: str = "GPL"
    flags: LoadFlag = NO_FLAGS
    btf: bytes | None = None
    func_info: bytes | None = None
    kfuncs: tuple[tuple[int, str], ...] = ()
    byte_order: ByteOrder = ByteOrder.LITTLE
    """Of the machine it runs on, and so of ``maps``' contents and of every input.  ``btf`` and ``func_info``
    are little-endian all the same (:mod:`ebpf.btf.machine_order`)."""


@dataclass(frozen=True, slots=True)
class Input:
    """Everything one run can read besides its maps: the packet from its first byte (Ethernet header
    included), the context handed to BPF_PROG_TEST_RUN as ctx_in (empty: none), and scripted helper results.
    """

    packet: bytes = b""
    context: bytes = b""
    helpers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A program and its inputs, and with which privilege it is to be loaded.

    ``capabilities``: None is everything root has, () is none at all, otherwise the named ones ("CAP_BPF",
    ...).
    """

    program: Program
    inputs: tuple[Input, ...] = (Input(),)
    capabilities: tuple[str, ...] | None = None
    name: str = ""
