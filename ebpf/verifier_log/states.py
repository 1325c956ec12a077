"""Reading one STATE: `` frame1: R1=ctx() R10=fp0 fp-8=mmmm0 refs=2 cb`` (print_verifier_state,
kernel/bpf/log.c)."""

from __future__ import annotations

import re
from functools import lru_cache

from ebpf.verifier_log.claims import Claim, ClaimedState, NotUnderstood, SlotClaim
from ebpf.verifier_log.dialect import LogDialect
from ebpf.verifier_log.values import parse_value

_FRAME = re.compile(r" *frame(\d+):")
_FIELD = re.compile(r" *(?:R(\d+)|fp(-\d+))(?:_[rwD]+)?=([^\s(]*(?:\((?:[^()]|\([^()]*\))*\))?)(?= |\Z)")
_TRAILER = re.compile(r" *(?:refs=([\d,]+)|(async_cb|cb))")
_LETTERS = "[m0?rdifp]"
_BYTES = re.compile(rf"{_LETTERS}{{8}}\Z")
_PREFIXED = tuple(re.compile(rf"({_LETTERS}{{{length}}})(?!-)(.+)\Z") for length in (4, 6, 7))
_LEADING_ZERO = re.compile(r"P?-?0\d")


@lru_cache(maxsize=16384)
def parse_state(text: str, dialect: LogDialect) -> ClaimedState:
    """The claims in a state's text, which may be empty.  What is not understood ends up in ``leftover``."""
    frame, at = 0, 0
    opening = _FRAME.match(text)
    if opening:
        frame, at = int(opening[1]), opening.end()
    registers: list[tuple[int, Claim]] = []
    slots: list[SlotClaim] = []
    references: tuple[int, ...] = ()
    callback = False
    while True:
        field = _FIELD.match(text, at)
        if field:
            if field[1]:
                registers.append((int(field[1]), parse_value(field[3], dialect)))
            else:
                slots.append(parse_slot(int(field[2]), field[3], dialect))
            at = field.end()
            continue
        trailer = _TRAILER.match(text, at)
        if not trailer:
            break
        if trailer[1]:
            references = tuple(int(number) for number in trailer[1].split(",") if number)
        callback = callback or trailer[2] is not None
        at = trailer.end()
    return ClaimedState(frame, tuple(registers), tuple(slots), references, callback, text[at:].strip())


@lru_cache(maxsize=16384)
def parse_slot(offset: int, text: str, dialect: LogDialect) -> SlotClaim:
    """One ``fp-8=...``: eight letters, a spilled value, or letters for the bytes above a narrow spill and its
    value."""
    if _BYTES.match(text):
        return SlotClaim(offset, text)
    if not text:
        # 6.1 prints nothing for a spilled scalar that is not constant.
        return SlotClaim(offset, "???????r")
    if not _LEADING_ZERO.match(text):
        value = parse_value(text, dialect)
        if not isinstance(value, NotUnderstood):
            # 6.1 does not show how much was spilled: of a scalar only the lowest byte is certain.
            narrow = dialect is LogDialect.LINUX_6_1 and text[0] in "P-0123456789"
            return SlotClaim(offset, "???????r" if narrow else "rrrrrrrr", value, 1 if narrow else 8)
    for prefixed in _PREFIXED:
        match = prefixed.match(text)
        if match and not _LEADING_ZERO.match(match[2]):
            value = parse_value(match[2], dialect)
            if not isinstance(value, NotUnderstood):
                width = 8 - len(match[1])
                return SlotClaim(offset, match[1] + "r" * width, value, width)
    return SlotClaim(offset, "????????", NotUnderstood(text))
