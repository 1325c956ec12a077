"""Loads and stores (RFC 9669 sections 5.1 to 5.4) and the legacy packet loads (section 5.5).

::

    opcode   mode (3 bits) | size (2 bits) | class
    LD_IMM64 takes two slots; src says what the 64 bits are (BPF_PSEUDO_*)
"""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.forms import ZERO, Form, Free, Group

_SIZES = ((8, o.B), (16, o.H), (32, o.W), (64, o.DW))


def _plain(bits: int, size: int) -> tuple[Form, Form, Form]:
    group = Group.BASE64 if bits == 64 else Group.BASE32
    at = f"*(u{bits} *)(r{{0}} {{{{off}}}})"
    load, st, stx = (at.format("{src}"), at.format("{dst}"), at.format("{dst}"))
    return (
        Form(
            f"ldx{bits}",
            o.LDX | o.MEM | size,
            group,
            "r{dst} = " + load,
            "r{dst} = " + load,
            Free.REGISTER,
            Free.REGISTER,
            Free.OFFSET,
            aliases=() if bits == 64 else ("w{dst} = " + load,),
        ),
        Form(
            f"st{bits}",
            o.ST | o.MEM | size,
            group,
            st + " = {imm}",
            st + " = {imm}",
            Free.REGISTER,
            ZERO,
            Free.OFFSET,
            Free.VALUE,
        ),
        Form(
            f"stx{bits}",
            o.STX | o.MEM | size,
            group,
            stx + " = r{src}",
            stx + " = r{src}",
            Free.REGISTER,
            Free.REGISTER,
            Free.OFFSET,
            aliases=() if bits == 64 else (stx + " = w{src}",),
        ),
    )


def _sign_extending(bits: int, size: int) -> Form:
    text = f"r{{dst}} = *(s{bits} *)(r{{src}} {{off}})"
    return Form(
        f"ldsx{bits}",
        o.LDX | o.MEMSX | size,
        Group.BASE64,
        text,
        text,
        Free.REGISTER,
        Free.REGISTER,
        Free.OFFSET,
        cpu=4,
        since="6.6",
    )


def _packet(bits: int, size: int) -> tuple[Form, Form]:
    return (
        Form(
            f"ldabs{bits}",
            o.LD | o.ABS | size,
            Group.PACKET,
            f"r0 = *(u{bits} *)skb[{{imm}}]",
            f"r0 = *(u{bits} *)skb[{{imm}}]",
            imm=Free.VALUE,
        ),
        Form(
            f"ldind{bits}",
            o.LD | o.IND | size,
            Group.PACKET,
            f"r0 = *(u{bits} *)skb[r{{src}} + {{imm}}]",
            f"r0 = *(u{bits} *)skb[r{{src}}]",
            src=Free.REGISTER,
            imm=Free.VALUE,
        ),
    )


_IMM64 = (
    ("imm64", 0, "r{dst} = {imm64:#x}", "r{dst} = {imm64} ll", "3.18"),
    ("map_fd", o.PSEUDO_MAP_FD, "r{dst} = map[{imm}]", "r{dst} = {imm64} ll", "3.18"),
    ("map_value", o.PSEUDO_MAP_VALUE, "r{dst} = map[{imm}][0]{next:+d}", "r{dst} = {imm64} ll", "5.2"),
    ("btf_id", o.PSEUDO_BTF_ID, "r{dst} = btf_id[{imm}]{next:+d}", "r{dst} = {imm64} ll", "5.10"),
    ("func", o.PSEUDO_FUNC, "r{dst} = subprog[{imm:+d}]", "r{dst} = {imm64} ll", "5.13"),
    ("map_idx", o.PSEUDO_MAP_IDX, "r{dst} = map_idx[{imm}]", "r{dst} = {imm64} ll", "5.14"),
    (
        "map_idx_value",
        o.PSEUDO_MAP_IDX_VALUE,
        "r{dst} = map_idx[{imm}][0]{next:+d}",
        "r{dst} = {imm64} ll",
        "5.14",
    ),
)

FORMS: tuple[Form, ...] = (
    *(f for bits, size in _SIZES for f in _plain(bits, size)),
    *(_sign_extending(bits, size) for bits, size in _SIZES[:3]),
    *(f for bits, size in _SIZES[:3] for f in _packet(bits, size)),
    *(
        Form(
            f"ld_{name}",
            o.LD_IMM64,
            Group.BASE64,
            kernel,
            llvm,
            Free.REGISTER,
            (src,),
            imm=Free.VALUE,
            since=since,
            slots=2,
        )
        for name, src, kernel, llvm, since in _IMM64
    ),
)
