"""bpf_conformance's programs, wrapped so that a kernel and the interpreter run them alike.

The protocol (bpf_conformance, libbpf_plugin): the program finds memory at R1 and its length in R2, and what
counts is all of R0.  A kernel returns 32 bits of it; so the program becomes a function that a main program
calls, which stores R0 to a map.

What the runner adds on request comes off again: the ELF file around the program (``--elf``), and the
instructions in front of it that get R1 and R2 from an XDP context (``--xdp_prolog``); here the main program
sets those.
"""

from __future__ import annotations

import io
import re

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

from conformance.plugin.wrapped import WrappedProgram
from ebpf.byte_order import ByteOrder
from ebpf.errors import InputError
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn, decode
from ebpf.machine import REFERENCE_MACHINE, TargetMachine
from ebpf.maps import MapSpec, MapType
from ebpf.program import NO_FLAGS, Case, Input, LoadFlag, Program
from ebpf.program_types import ProgramType

RESULT = 1
"""Index of the map that holds R0 afterwards."""
PACKET = Input(packet=bytes(64))


def parse_hex(text: str, what: str) -> bytes:
    """Bytes from hex digits, with or without white space.  Raises :class:`InputError` naming ``what``."""
    digits = re.sub(r"\s+", "", text)
    try:
        return bytes.fromhex(digits)
    except ValueError:
        odd = "odd number of digits: truncated?" if len(digits) % 2 else f"{digits[:40]!r}"
        raise InputError(f"{what}: not hexadecimal: {odd}") from None


_NOT_BPF = "not a 64-bit BPF file"
_BPF_FILE = (64, "EM_BPF")
"""Class, machine."""


def program_of_elf(file: bytes) -> tuple[Insn, ...]:
    """The one program in an ELF file, of either byte order, that needs no relocation.  Raises
    :class:`InputError` for any other file."""
    if file and file[:4] != b"\x7fELF":
        raise InputError(f"ELF: {_NOT_BPF}")
    try:
        return _only_program(ELFFile(io.BytesIO(file)))
    except (ELFError, OverflowError, ValueError):
        raise InputError("ELF: truncated or broken") from None


def _only_program(elf: ELFFile) -> tuple[Insn, ...]:
    if (elf.elfclass, elf["e_machine"]) != _BPF_FILE:
        raise InputError(f"ELF: {_NOT_BPF}")
    sections = list(elf.iter_sections())
    if any(isinstance(section, RelocationSection) and section.data_size for section in sections):
        raise InputError("ELF: needs relocation: maps and functions of other sections are not supported")
    found: list[bytes] = [
        section.data()
        for section in sections
        if section["sh_type"] == "SHT_PROGBITS"
        and section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR
        and section.data_size
    ]
    if len(found) != 1:
        raise InputError(f"ELF: {len(found)} sections with code, expected one")
    return decode(found[0], ByteOrder.LITTLE if elf.little_endian else ByteOrder.BIG)


def _prolog(size: int) -> tuple[Insn, ...]:
    """What the runner's ``--xdp_prolog`` puts before a program on ``size`` bytes of memory: packet to R1,
    length to R2."""
    move, load = o.MOV | o.X | o.ALU64, o.LDX | o.MEM | o.W
    return (
        Insn(o.MOV | o.K | o.ALU64, 0, imm=-1),
        Insn(move, 6, 1),
        Insn(load, 1, 6, 0),
        Insn(load, 2, 6, 4),
        Insn(move, 3, 1),
        Insn(o.ADD | o.K | o.ALU64, 3, imm=size),
        Insn(o.JLE | o.X | o.JMP, 3, 2, 1),
        Insn(o.EXIT | o.JMP),
        Insn(o.MOV | o.K | o.ALU64, 2, imm=size),
    )


def program_of_hex(text: str) -> tuple[Insn, ...]:
    """The program that hex digits are: the suite writes little-endian ones, for whatever machine.  Raises
    :class:`InputError` when it is cut."""
    return decode(parse_hex(text, "standard input"), ByteOrder.LITTLE)


def wrap(
    program: tuple[Insn, ...], memory: bytes, machine: TargetMachine = REFERENCE_MACHINE
) -> WrappedProgram:
    """The case that runs ``program`` on ``memory``, on such a machine.  Raises :class:`InputError` when the
    program is empty.

    The suite reads and writes where it likes, so alignment is not asked for where a machine would.
    """
    given = insns = program
    prolog = _prolog(len(memory))
    if insns[: len(prolog)] == prolog:
        insns = insns[len(prolog) :]
    if not insns:
        raise InputError("program: empty")
    maps = (
        MapSpec(
            MapType.ARRAY,
            4,
            max(1, len(memory)),
            1,
            name="memory",
            contents=((bytes(4), memory or bytes(1)),),
        ),
        MapSpec(MapType.ARRAY, 4, 8, 1, name="result"),
    )
    main = [
        *(_map_value(1, 0) if memory else (Insn(o.MOV | o.K | o.ALU64, 1),)),
        Insn(o.MOV | o.K | o.ALU64, 2, imm=len(memory)),
        Insn(o.CALL | o.JMP, src=o.CALL_LOCAL, imm=5),
        *_map_value(1, RESULT),
        Insn(o.STX | o.MEM | o.DW, 1, 0),
        Insn(o.MOV | o.K | o.ALU64, 0),
        Insn(o.EXIT | o.JMP),
    ]
    case = Case(
        Program(
            ProgramType.SOCKET_FILTER,
            (*main, *_callx_by_dst(insns)),
            maps,
            flags=LoadFlag.ANY_ALIGNMENT if machine.strict_alignment else NO_FLAGS,
            byte_order=machine.byte_order,
        ),
        (PACKET,),
        name="bpf_conformance",
    )
    return WrappedProgram(case, len(main) - (len(given) - len(insns)), len(given))


def _callx_by_dst(insns: tuple[Insn, ...]) -> tuple[Insn, ...]:
    """``callx`` names its register in ``dst``; LLVM before 19 and the suite of that time did it in
    ``imm``."""
    callx = o.CALL | o.X | o.JMP
    after_wide, out = False, []
    for insn in insns:
        old = insn.opcode == callx and not after_wide and not insn.dst and 0 < insn.imm <= 10
        out.append(Insn(callx, insn.imm) if old else insn)
        after_wide = insn.opcode == o.LD_IMM64 and not after_wide
    return tuple(out)


def _map_value(register: int, index: int) -> tuple[Insn, Insn]:
    return Insn(o.LD_IMM64, register, o.PSEUDO_MAP_VALUE, imm=index), Insn(0)


def result(
    maps: tuple[tuple[tuple[bytes, bytes], ...] | None, ...], order: ByteOrder = ByteOrder.LITTLE
) -> int:
    """R0, from the maps after a run."""
    contents = maps[RESULT]
    assert contents is not None
    return order.number(contents[0][1])
