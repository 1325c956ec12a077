"""A program rebuilt from its log: what people paste who have nothing else."""

from __future__ import annotations

import re

from ebpf.assembly.assembled import Assembled
from ebpf.assembly.parser import parse_instruction
from ebpf.assembly.printer import AssemblyDialect
from ebpf.errors import InputError
from ebpf.helper_names import HELPER_NUMBERS
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.verifier_log.events import Visit
from ebpf.verifier_log.log import parse_log

_LOGGED = re.compile(r"\(([0-9a-f]{2})\) (.*)", re.ASCII)
_ADDRESS = re.compile(r"r\d+ = (?:0xffff[0-9a-f]{12}|.*\[map=.*|map\[id:.*)", re.ASCII)
_MAP = re.compile(r"\bR\d+(?:_\w+)?=map_", re.ASCII)
"""What an address becomes, which kernels print as 0 to whom they do not trust."""
_CALL = re.compile(r"call ((?!kernel-function)\w+)#(-?\d+)", re.ASCII)
_MARK = re.compile(r"^\d+: \([0-9a-f]{2}\) .*", re.M | re.ASCII)
_STATE = re.compile(r"^processed \d+ insns|^\d+: (?:frame\d+: )?R\d+\S*=|; .*\bR\d+\S*=", re.M | re.ASCII)


def is_log(text: str) -> bool:
    """Whether the text is a verifier's log and not a listing: it has instructions, and states or an end."""
    return _MARK.search(text) is not None and _STATE.search(text) is not None


def program_of(text: str) -> Assembled:
    """The program that the walk shows.

    Raises :class:`InputError` where the log does not say all of it: an instruction that was never visited, or
    the address of a map.
    """
    found: dict[int, Insn] = {}
    kfuncs: dict[int, str] = {}
    for visit in parse_log(text).of(Visit):
        if visit.insn in found:
            continue
        slots, kfunc = _instruction(visit)
        found.update(enumerate(slots, visit.insn))
        if kfunc:
            kfuncs[visit.insn] = kfunc
    if not found:
        raise InputError("the log shows no instruction: it needs log level 2")
    for at in range(max(found)):
        if at not in found:
            raise InputError(
                f"the log does not show instruction {at}, so the program cannot be rebuilt from it"
            )
    return Assembled(tuple(insn for _, insn in sorted(found.items())), tuple(sorted(kfuncs.items())))


def _instruction(visit: Visit) -> tuple[tuple[Insn, ...], str]:
    here = f"instruction {visit.insn}: {visit.text!r}"
    said = _LOGGED.fullmatch(visit.text)
    if said is None:
        raise InputError(f"{here}: not an instruction")
    opcode, words = int(said[1], 16), said[2].strip()
    if _ADDRESS.fullmatch(words) or (opcode == o.LD_IMM64 and _MAP.search(visit.state or "")):
        raise InputError(f"{here}: the log does not tell whose address that is: give the program itself")
    kfunc = ""
    if (
        (call := _CALL.fullmatch(words))
        and call[1].removeprefix("bpf_") not in HELPER_NUMBERS
        and call[1] != "unknown"
    ):
        kfunc, words = call[1], "call kfunc#0+0"
    try:
        slots = parse_instruction(words, AssemblyDialect.KERNEL)
    except InputError as error:
        raise InputError(f"{here}: {error}") from None
    if slots[0].opcode != opcode:
        raise InputError(f"{here}: that is opcode {slots[0].opcode:#04x}")
    return slots, kfunc
