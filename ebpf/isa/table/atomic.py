"""Atomic operations (RFC 9669 section 5.3) and Linux's load-acquire and store-release (6.15).

::

    opcode   110 | size (2 bits) | 011 (STX)      imm   operation, bit 0: fetch
"""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.forms import Form, Free, Group

_OPERATIONS = (("add", o.ADD, "+="), ("or", o.OR, "|="), ("and", o.AND, "&="), ("xor", o.XOR, "^="))


def _form(
    name: str,
    size: int,
    imm: int,
    kernel: str,
    llvm: str,
    since: str,
    group: Group | None = None,
    cpu: int = 3,
) -> Form:
    bits = 8 * o.SIZE_BYTES[size]
    return Form(
        f"{name}{bits}",
        o.STX | o.ATOMIC | size,
        group or Group(f"atomic{bits}"),
        kernel,
        llvm,
        Free.REGISTER,
        Free.REGISTER,
        Free.OFFSET,
        (imm,),
        cpu,
        since,
    )


def _read_modify_write(size: int) -> tuple[Form, ...]:
    bits = 8 * o.SIZE_BYTES[size]
    wide = bits == 64
    k, r, l32 = ("64", "r", "") if wide else ("", "w", "32")
    place = f"(u{bits} *)(r{{dst}} {{off}})"
    forms = []
    for name, op, sign in _OPERATIONS:
        forms.append(
            _form(
                f"atomic_{name}",
                size,
                op,
                f"lock *{place} {sign} r{{src}}",
                f"lock *{place} {sign} {r}{{src}}",
                "3.18" if name == "add" else "5.12",
                cpu=1 if name == "add" else 3,
            )
        )
        forms.append(
            _form(
                f"atomic_fetch_{name}",
                size,
                op | o.FETCH,
                f"r{{src}} = atomic{k}_fetch_{name}({place}, r{{src}})",
                f"{r}{{src}} = atomic_fetch_{name}({place}, {r}{{src}})",
                "5.12",
            )
        )
    forms.append(
        _form(
            "atomic_xchg",
            size,
            o.XCHG,
            f"r{{src}} = atomic{k}_xchg({place}, r{{src}})",
            f"{r}{{src}} = xchg{l32}_{bits}(r{{dst}} {{off}}, {r}{{src}})",
            "5.12",
        )
    )
    forms.append(
        _form(
            "atomic_cmpxchg",
            size,
            o.CMPXCHG,
            f"r0 = atomic{k}_cmpxchg({place}, r0, r{{src}})",
            f"{r}0 = cmpxchg{l32}_{bits}(r{{dst}} {{off}}, {r}0, {r}{{src}})",
            "5.12",
        )
    )
    return tuple(forms)


def _ordered(size: int) -> tuple[Form, Form]:
    bits = 8 * o.SIZE_BYTES[size]
    r = "r" if bits == 64 else "w"
    load, store = (f"(u{bits} *)(r{{{reg}}} {{off}})" for reg in ("src", "dst"))
    return (
        _form(
            "load_acquire",
            size,
            o.LOAD_ACQ,
            f"r{{dst}} = load_acquire({load})",
            f"{r}{{dst}} = load_acquire({load})",
            "6.15",
            Group.KERNEL,
            4,
        ),
        _form(
            "store_release",
            size,
            o.STORE_REL,
            f"store_release({store}, r{{src}})",
            f"store_release({store}, {r}{{src}})",
            "6.15",
            Group.KERNEL,
            4,
        ),
    )


FORMS: tuple[Form, ...] = (
    *(f for size in (o.W, o.DW) for f in _read_modify_write(size)),
    *(f for size in (o.B, o.H, o.W, o.DW) for f in _ordered(size)),
)
