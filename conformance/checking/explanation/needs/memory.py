"""Accesses: bounds, initialisation, permission and alignment."""

from __future__ import annotations

import re

from conformance.checking.explanation.need import need
from conformance.checking.explanation.refused import OperandRole, Refused
from ebpf.domains.limits import S64_MAX
from ebpf.verifier_log.claims import PointerClaim
from ebpf.wording import in_bytes

STACK = 512
"""MAX_BPF_STACK, include/linux/filter.h."""
_BOUNDS = re.compile(
    r"invalid access to (?P<what>[\w ]+?),? (?:(?:key|value|mem|\w+)_size=(?P<size>\d+) )?off=(?P<off>-?\d+) "
    r"size=(?P<width>-?\d+)"
)
_PACKET = re.compile(
    r"invalid access to packet, off=(?P<off>-?\d+) size=(?P<width>\d+), "
    r"R(?P<reg>\d+)\(id=\d+,off=(?P<fixed>-?\d+),r=(?P<proven>\d+)\)"
)
FARTHEST = 65535
"""MAX_PACKET_OFF, kernel/bpf/verifier.c."""
ADDRESS = OperandRole.ADDRESS


def _region(refused: Refused, match: re.Match[str]) -> str:
    """By how much an access leaves what it may reach, which the line before the last says."""
    if any(_PACKET.match(line) for line in refused.messages):
        return _packet(refused, match)
    found = next((bounds for line in refused.messages if (bounds := _BOUNDS.match(line))), None)
    if found is None or found["size"] is None:
        return "an offset that stays inside: check it against the size before"
    size, off, width = int(found["size"]), int(found["off"]), int(found["width"])
    if off < 0:
        return f"an offset of at least 0: it may be {off}"
    past = off + width - size
    room = size - width
    at_most = f"an offset of at most {room}" if room >= 0 else f"an access of at most {in_bytes(size)}"
    return f"{at_most} for {width} of the {in_bytes(size)}: it may be {off}, which is {past} bytes too far"


def _packet(refused: Refused, _: re.Match[str]) -> str:
    found = next((said for line in refused.messages if (said := _PACKET.match(line))), None)
    if found is None:
        return "a comparison with data_end on this path that covers the access"
    claim = refused.claim(int(found["reg"]))
    reach = claim.fixed_offset + claim.variable_offset.umax if isinstance(claim, PointerClaim) else 0
    if FARTHEST < reach <= S64_MAX:
        return (
            f"an offset of at most {FARTHEST} from the packet's start (MAX_PACKET_OFF, a limit of the "
            f"kernel): it may be {reach}, and comparing a pointer so far off with data_end proves nothing"
        )
    end, proven = int(found["off"]) + int(found["width"]), int(found["proven"])
    if int(found["off"]) < 0:
        return f"an offset of at least 0: it is {found['off']}"
    return (
        f"a comparison with data_end on this path that proves {in_bytes(end)}, "
        f"of which {proven} are proven: {end - proven} more are needed"
    )


def _stack(refused: Refused, match: re.Match[str]) -> str:
    groups = match.groupdict()
    start = sum(int(part) for part in re.findall(r"-?\d+", groups["off"]))
    size = int(groups["width"])
    if start < -STACK:
        return f"an address in fp-{STACK} to fp-1: it is {-STACK - start} bytes below the stack"
    if start + size > 0:
        return f"an address in fp-{STACK} to fp-1: the access ends {start + size} bytes above the stack"
    if any(start < slot + 8 and slot < start + size for slot in refused.spilled_pointers):
        return (
            f"numbers from fp{start} to fp{start + size - 1}, or the privilege CAP_PERFMON: a pointer lies "
            "there, whose value would leave the kernel"
        )
    return f"the bytes from fp{start} to fp{start + size - 1} written before, on every path"


_UNKNOWN_PART = re.compile(r"\([^)]*\)")


def _misaligned(_: Refused, match: re.Match[str]) -> str:
    """The kernel prints the offset as a sum, whose part in brackets is what is known of a variable one."""
    variable = next(iter(_UNKNOWN_PART.findall(match["sum"])), "(0x0; 0x0)")
    fixed = sum(int(part) for part in re.findall(r"-?\d+", _UNKNOWN_PART.sub("", match["sum"])))
    beside = "" if variable == "(0x0; 0x0)" else f" and something of the bits {variable}"
    return f"an offset that is a multiple of {match['width']}: it is {fixed}{beside}"


def _context(refused: Refused, match: re.Match[str]) -> str:
    kind = refused.program.type.name.lower()
    return (
        f"a field that a {kind} program may access so: none is at offset {match['off']} with "
        f"{match['width']} bytes"
    )


NEEDS = (
    need(r"R(?P<reg>\d+) (?:min|max) value is outside of the (?:allowed memory range|array range)", _region),
    need(
        r"R(?P<reg>\d+) min value is negative, either use unsigned index",
        "a lower bound of 0: mask it, or compare it (signed, >= 0) before",
    ),
    need(
        r"R(?P<reg>\d+) unbounded memory access, make sure",
        "an upper bound: mask the offset, or compare it (unsigned) with a constant before",
    ),
    need(r"R(?P<reg>\d+) offset is outside of the packet", _packet),
    need(r"invalid access to packet", _packet, ADDRESS),
    need(
        r"invalid access to map value pointer, value_size=(?P<size>\d+) off=(?P<off>\d+)",
        lambda _, said: f"an offset inside the value of {in_bytes(int(said['size']))}: it is {said['off']}",
    ),
    need(_BOUNDS.pattern, _region, ADDRESS),
    need(
        r"invalid (?:write to|read from) stack R(?P<reg>\d+) off=(?P<off>-?\d+) size=(?P<width>\d+)", _stack
    ),
    need(
        r"invalid (?:indirect )?(?:access|write|read) (?:to|from) stack R(?P<reg>\d+) "
        r"off=?\s?(?P<off>-?\d+\+?-?\d*) size[= ](?P<width>\d+)",
        _stack,
    ),
    need(
        r"invalid (?:indirect )?(?:read|access) from stack (?:R(?P<reg>\d+) )?off (?P<off>-?\d+(?:\+-?\d+)*) "
        r"size (?P<width>\d+)",
        _stack,
    ),
    need(
        r"invalid (?:unbounded )?variable-offset (?:indirect )?(?:access|read|write) (?:to|from) stack "
        r"R(?P<reg>\d+)",
        f"bounds on the offset that keep all of the access in the {STACK} bytes of stack",
    ),
    need(
        r"invalid indirect read from stack R(?P<reg>\d+) var_off (?P<known>\(\S+; \S+\))",
        "all bytes that the access may reach written before, on every path",
    ),
    need(
        r"R(?P<reg>\d+) variable stack access prohibited for !root",
        "a constant offset, or the privilege CAP_PERFMON",
    ),
    need(
        r"(?P<kind>attempt to corrupt spilled pointer|corrupted spill memory|invalid size of register "
        r"(?:fill|spill))",
        "all eight bytes at once: a pointer lies spilled there",
        ADDRESS,
    ),
    need(r"invalid bpf_context access off=(?P<off>-?\d+) size=(?P<width>\d+)", _context, ADDRESS),
    need(
        r"(?:dereference of modified|negative offset) (?P<what>\w+) ptr R(?P<reg>\d+) off=(?P<off>-?\d+) "
        r"disallowed",
        "the {what} pointer as it was given (offset 0): {off} was added to it",
    ),
    need(
        r"variable (?P<what>\w+) access var_off=(?P<known>\([^)]*\)) disallowed",
        "a constant offset: these bits of it are known: {known}",
        ADDRESS,
    ),
    need(r"misaligned (?P<what>[\w ]+) access off (?P<sum>.+) size (?P<width>\d+)", _misaligned, ADDRESS),
    need(
        r"R(?P<reg>\d+) invalid (?P<kind>\S+) access off=(?P<off>-?\d+) size=(?P<width>\d+)",
        "a field of the {kind} that may be accessed so: none is at offset {off} with {width} bytes",
    ),
    need(
        r"R(?P<reg>\d+) invalid variable buffer offset: off=(?P<off>-?\d+), var_off=(?P<known>\([^)]*\))",
        "a constant offset into the buffer",
    ),
    need(
        r"R(?P<reg>\d+) is (?P<kind>\S+) invalid (?:negative|variable) (?:access|offset): (?P<off>.*)",
        "a constant offset of at least 0 into the kernel's {kind}: {off}",
    ),
    need(
        r"(?P<verb>write into|read from) map forbidden",
        "a map whose flags allow programs to {verb} it",
        ADDRESS,
    ),
    need(
        r"cannot write into (?P<what>[\w ]+)",
        "a read: programs of this type may not write the {what}",
        ADDRESS,
    ),
    need(
        r"R(?P<reg>\d+) cannot write into (?P<kind>\S+)",
        "a read: no program may write through a {kind} pointer",
    ),
    need(
        r"only read (?:is supported|from (?P<kind>\S+) is supported)",
        "a read: kernel structures are not written",
        ADDRESS,
    ),
    need(
        r"cannot access ptr member (?P<name>\w+) with moff (?P<moff>\d+) in struct (?P<struct>\w+) with off "
        r"(?P<off>\d+) size (?P<width>\d+)",
        "all 8 bytes of the pointer {struct}.{name}, from offset {moff}: asked for are {width} from {off}",
        ADDRESS,
    ),
    need(
        r"access beyond (?P<what>the end of member|struct) ?(?P<name>\w*)",
        "an offset inside {what} {name}",
        ADDRESS,
    ),
    need(
        r"BPF_(?P<what>\w+) stores into R(?P<reg>\d+) (?P<kind>\S+) is not allowed",
        "memory of its own (stack, map value): a {kind} pointer takes no store of this form (BPF_{what})",
    ),
    need(
        r"(?P<what>bpf_\w+|kptr) cannot be accessed (?P<how>directly|indirectly).*",
        "an access beside the {what} in the map's value: only its helpers may touch it",
        ADDRESS,
    ),
    need(
        r"invalid kptr access, R(?P<reg>\d+) type=(?P<kind>\S+) expected=(?P<wanted>.*)",
        "a {wanted}, as the map's type has it: it is a {kind}",
    ),
    need(r"BPF_ST imm must be 0 when storing to kptr", "0, which is all that BPF_ST may put there", ADDRESS),
    need(
        r"off=(?P<off>\d+) kptr isn't referenced kptr|arg#(?P<arg>\d+) no referenced kptr at map value",
        "the place of a kernel pointer that the map's type calls referenced",
    ),
    need(
        r"kptr access size must be BPF_DW",
        "an access of 8 bytes, which is what a kernel pointer in a map has",
        ADDRESS,
    ),
    need(
        r"kptr access cannot have variable offset|R(?P<reg>\d+) doesn't have constant offset\. ",
        "a constant offset, which is the place of the kernel pointer",
        ADDRESS,
    ),
    need(
        r"kptr access misaligned expected=(?P<want>\d+) off=(?P<off>\d+)",
        "an access at offset {want}, where the kernel pointer is: it is at {off}",
        ADDRESS,
    ),
    need(
        r"store to referenced kptr disallowed",
        "bpf_kptr_xchg: a referenced kernel pointer is not stored to",
        ADDRESS,
    ),
    need(
        r"off=(?P<off>-?\d+) doesn't point to (?P<what>\S+)",
        "the offset of the {what} in the value: not {off}",
    ),
)
