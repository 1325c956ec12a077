"""What the kernel knows of a value, in words."""

from __future__ import annotations

from ebpf.domains import ScalarRange
from ebpf.domains.limits import S64_MAX, S64_MIN, U64_MAX, signed64
from ebpf.verifier_log.claims import Claim, NotUnderstood, PointerClaim, ScalarClaim
from ebpf.wording import in_bytes


def describe_claim(claim: Claim) -> str:
    """A noun with what is known; empty for what is not understood."""
    match claim:
        case ScalarClaim():
            return _number(claim.range)
        case PointerClaim():
            return _pointer(claim)
        case NotUnderstood():
            return ""
        case _:
            return claim.type


def _number(known: ScalarRange) -> str:
    constant = known.constant_value
    if constant is not None:
        return f"the number {signed64(constant)}"
    if known.is_unknown:
        return "a number of which nothing is known"
    return "a number " + describe_range(known)


def describe_range(known: ScalarRange) -> str:
    """The bounds that say something: unsigned where they do, signed ones else, and the bits known beside
    them."""
    parts = []
    if known.umin > S64_MAX:
        parts.append(f"from {signed64(known.umin)} to {signed64(known.umax)}")
    elif known.umin > 0 or known.umax < U64_MAX:
        parts.append(f"from {known.umin} to {known.umax}")
    if known.umin <= S64_MAX < known.umax and (known.smin > S64_MIN or known.smax < S64_MAX):
        parts.append(f"signed from {known.smin} to {known.smax}")
    if not parts:
        parts.append("without bounds")
    low = (known.tnum.mask & -known.tnum.mask).bit_length() - 1
    if low > 0 and not known.tnum.value & ((1 << low) - 1):
        parts.append(f"a multiple of {1 << low}")
    return ", ".join(parts)


def _pointer(claim: PointerClaim) -> str:
    size = claim.value_size if claim.type.endswith(("map_value", "map_value_or_null")) else claim.size
    text = f"a pointer ({claim.type})"
    if claim.nullable:
        text += " that may be null,"
    if size:
        text += f" into {in_bytes(size)}"
    constant = claim.variable_offset.constant_value
    if constant is not None:
        offset = claim.fixed_offset + signed64(constant)
        text += f", offset {offset}" if offset else ""
    elif claim.variable_offset.is_unknown:
        text += ", at an offset of which nothing is known"
    else:
        fixed = f"{claim.fixed_offset} and " if claim.fixed_offset else ""
        text += f", at an offset of {fixed}a number {describe_range(claim.variable_offset)}"
    if claim.range is not None:
        text += f", {claim.range} bytes proven to be there"
    return text.removesuffix(",")
