"""The instruction set: slots (:mod:`ebpf.isa.insn`), opcode fields (:mod:`ebpf.isa.opcodes`), one table of
every form.

Names are those of RFC 9669: dst, src, off, imm, R0 to R10.
"""

from ebpf.isa.insn import Insn, decode, encode

__all__ = ["Insn", "decode", "encode"]
