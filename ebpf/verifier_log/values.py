"""Reading one value: ``scalar(umax=40)``, ``-8``, ``pkt(off=8,r=8)``, ``fp-16`` and their kin in each
dialect."""

from __future__ import annotations

import re
from functools import lru_cache

from ebpf.domains import ScalarRange, Tnum
from ebpf.domains.limits import S32_MAX, S32_MIN, S64_MAX, U32_MAX, U64_MAX, signed32, signed64
from ebpf.domains.tnum import UNKNOWN_TNUM
from ebpf.verifier_log.claims import Claim, NotUnderstood, PointerClaim, ScalarClaim, StackObject
from ebpf.verifier_log.dialect import LogDialect

_NUMBER = re.compile(r"(P?)(-?(?:0x[0-9a-f]+|\d+))\Z")
_STACK = re.compile(r"fp(?:\[(\d+)\])?(?:(-?(?:0x[0-9a-f]+|\d+))|\((.*)\))?\Z")
_NAMED = re.compile(r"(P?)([a-z]\w*)(?:\((.*)\))?\Z")
_PAIR = re.compile(r"\((0x[0-9a-f]+); (0x[0-9a-f]+)\)\Z")
_OBJECT = re.compile(r"(?:dynptr_(?!ptr)|iter_)")

_BOUNDS = {
    "umin": "umin", "umax": "umax", "smin": "smin", "smax": "smax",
    "umin32": "umin32", "umax32": "umax32", "smin32": "smin32", "smax32": "smax32",
    "u32_min": "umin32", "u32_max": "umax32", "s32_min": "smin32", "s32_max": "smax32",
}  # fmt: skip
_KNOWN_NAMES = frozenset(
    {"scalar", "ctx", "map_ptr", "map_value", "map_key", "pkt", "pkt_meta", "pkt_end", "flow_keys", "sock",
     "sock_common",
     "tcp_sock", "xdp_sock", "tp_buffer", "mem", "buf", "func", "arena", "insn", "dynptr_ptr", "ringbuf_mem",
     "alloc_mem"}
)  # fmt: skip
_AFFIXES = re.compile(r"^(?:(?:rdonly|ringbuf|alloc|user|percpu|rcu|untrusted|trusted)_)*")


def integer(text: str) -> int:
    """Decimal or 0x hexadecimal, with an optional sign."""
    return int(text, 16) if "0x" in text else int(text)


@lru_cache(maxsize=65536)
def parse_value(text: str, dialect: LogDialect) -> Claim:
    """The claim a printed value makes; :class:`NotUnderstood` where any part of it is strange."""
    number = _NUMBER.match(text)
    if number:
        return ScalarClaim(ScalarRange.constant(integer(number[2])), number[1] == "P")
    try:
        stack = _STACK.match(text)
        if stack:
            return _stack_pointer(stack, dialect)
        named = _NAMED.match(text)
        if named:
            return _named(named[1] == "P", named[2], named[3], dialect)
    except ValueError:
        pass  # a number where none is: fall through to the honest answer
    return NotUnderstood(text)


def _named(precise: bool, name: str, body: str | None, dialect: LogDialect) -> Claim:
    attributes = _attributes(body) if body else []
    if name == "scalar":
        return _scalar(precise, attributes, dialect)
    if _OBJECT.match(name):
        return StackObject(name, tuple(attributes))
    base = name[_AFFIXES.match(name).end() :].replace("_or_null", "")  # type: ignore[union-attr]  # the pattern matches the empty string
    if base not in _KNOWN_NAMES and not base.startswith("ptr_"):
        return NotUnderstood(f"{name}({body})")
    return _pointer(name, attributes, body is not None, dialect, None)


def _attributes(body: str) -> list[tuple[str, str]]:
    """(name, text) for each, chains such as ``smin=umin=3`` unrolled, flags with empty text."""
    found: list[tuple[str, str]] = []
    for part in body.split(",") if body else ():
        *names, text = part.split("=")
        found.extend([(name, text) for name in names] or [(text, "")])
    return found


def _stack_pointer(match: re.Match[str], dialect: LogDialect) -> Claim:
    frame = int(match[1]) if match[1] else None
    if match[2]:
        return PointerClaim(
            "fp", fixed_offset=signed64(integer(match[2])), variable_offset=_ZERO, frame=frame
        )
    return _pointer("fp", _attributes(match[3] or ""), match[3] is not None, dialect, frame)


_ZERO = ScalarRange.constant(0)
_SIZES = {"ks": "key_size", "vs": "value_size", "sz": "size"}


def _scalar(precise: bool, attributes: list[tuple[str, str]], dialect: LogDialect) -> Claim:
    identity, delta = None, 0
    bounds = []
    for name, text in attributes:
        if name == "id":
            identity, delta = _identity(text)
        else:
            bounds.append((name, text))
    found, rest = _range(bounds, dialect)
    if rest or found is None:
        return NotUnderstood(f"scalar({attributes})")
    return ScalarClaim(found, precise, identity, delta)


def _identity(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)([+-](?:0x[0-9a-f]+|\d+))?", text)
    if not match:
        raise ValueError(text)
    return int(match[1]), integer(match[2]) if match[2] else 0


def _pointer(
    name: str, attributes: list[tuple[str, str]], told: bool, dialect: LogDialect, frame: int | None
) -> Claim:
    identity = reference = extent = map_name = None
    fixed, constant = 0, None
    sizes: dict[str, int] = {}
    bounds, others = [], []
    for attribute, text in attributes:
        if attribute == "id":
            identity, _ = _identity(text)
        elif attribute in ("ref_obj_id", "ref_id"):
            reference = int(text)
        elif attribute == "off":
            fixed = signed64(integer(text))
        elif attribute == "r":
            extent = signed64(integer(text))
        elif attribute == "imm":
            constant = signed64(int(text, 16) if dialect is LogDialect.LINUX_6_1 else integer(text))
        elif attribute == "map":
            map_name = text
        elif attribute in _SIZES:
            sizes[attribute] = integer(text)
        elif attribute in _BOUNDS or attribute == "var_off":
            bounds.append((attribute, text))
        else:
            others.append((attribute, text))
    # A variable offset always prints a bound: unbounded ones are refused (check_reg_sane_offset).  A bare
    # name tells nothing.
    variable = (_ZERO if told else ScalarRange.unknown()) if not bounds else _range(bounds, dialect)[0]
    if variable is None:
        return NotUnderstood(f"{name}({attributes})")
    return PointerClaim(
        name,
        identity,
        reference,
        fixed + (constant or 0),
        variable,
        extent,
        map_name,
        sizes.get("ks"),
        sizes.get("vs"),
        sizes.get("sz"),
        frame,
        tuple(others),
    )


def _range(attributes: list[tuple[str, str]], dialect: LogDialect) -> tuple[ScalarRange | None, list[str]]:
    """The range, and the names that are no bounds."""
    bounds: dict[str, int] = {}
    tnum, strange = UNKNOWN_TNUM, []
    for name, text in attributes:
        if name == "var_off":
            pair = _PAIR.match(text)
            tnum = Tnum(int(pair[1], 16), int(pair[2], 16)) if pair else Tnum.constant(integer(text))
            continue
        field = _BOUNDS.get(name)
        if field is None:
            strange.append(name)
            continue
        value = integer(text)
        # Hexadecimal is the two's complement, of 32 bits for the 32-bit fields; 6.1 prints unsigned 32-bit
        # fields with %d.
        if field[0] == "s":
            bounds[field] = signed32(value) if field.endswith("32") else signed64(value)
        else:
            bounds[field] = value & (U32_MAX if field.endswith("32") else U64_MAX)
    if dialect is LogDialect.LINUX_6_1:
        _recover_6_1(bounds)
    return ScalarRange(**bounds, tnum=tnum), strange


def _recover_6_1(bounds: dict[str, int]) -> None:
    """Fill in what 6.1 leaves out because another view shows the same number, only where the shown bounds
    imply it anyway.

    Elsewhere "left out" may also mean "extreme", and the weaker reading is taken: a bound that is not there
    accuses wrongly.
    """
    umin, umax = bounds.get("umin", 0), bounds.get("umax", U64_MAX)
    if umax <= S64_MAX:
        bounds.setdefault("smin", umin)
        bounds.setdefault("smax", umax)
    if umax <= U32_MAX:
        bounds.setdefault("umin32", umin)
        bounds.setdefault("umax32", umax)
    if "smin" in bounds and "smax" in bounds and bounds["smin"] >= S32_MIN and bounds["smax"] <= S32_MAX:
        bounds.setdefault("smin32", bounds["smin"])
        bounds.setdefault("smax32", bounds["smax"])
