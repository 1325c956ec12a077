"""What one register or stack slot holds, as the log prints it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from ebpf.byte_order import ByteOrder
from ebpf.domains import ScalarRange, Tnum
from ebpf.domains.limits import U32_MAX


@dataclass(frozen=True, slots=True)
class ScalarClaim:
    """A number.  ``precise``: marked ``P``.  ``id`` and ``delta``: scalars of one id differ by their deltas
    (``id=1+8``)."""

    range: ScalarRange
    precise: bool = False
    id: int | None = None
    delta: int = 0


@dataclass(frozen=True, slots=True)
class PointerClaim:
    """A pointer.  ``type`` is the kernel's name with prefixes and ``_or_null`` (``trusted_ptr_or_null_sock``,
    ``pkt``, ``fp``).

    It points ``fixed_offset`` + ``variable_offset`` bytes into its region, whatever the dialect (7.3 folds
    one into the other). ``range``: bytes proven to be in the packet (``r=``).  ``frame``: printed for a stack
    pointer into another frame; None is the frame of the state, or in the 6.1 dialect any frame. Sizes
    (``key_size``, ``value_size``, ``size``) are bytes.
    """

    type: str
    id: int | None = None
    reference: int | None = None
    fixed_offset: int = 0
    variable_offset: ScalarRange = ScalarRange.unknown()  # noqa: RUF009 - one shared frozen value
    range: int | None = None
    map: str | None = None
    key_size: int | None = None
    value_size: int | None = None
    size: int | None = None
    frame: int | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    """What is printed beyond the above, as (name, text)."""

    @property
    def nullable(self) -> bool:
        return "_or_null" in self.type


@dataclass(frozen=True, slots=True)
class StackObject:
    """A dynptr or an iterator that lives in stack slots (``dynptr_ringbuf``, ``iter_num``) and its printed
    attributes."""

    type: str
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A value that the parser does not know: no claim."""

    text: str


Claim: TypeAlias = ScalarClaim | PointerClaim | StackObject | NotUnderstood


@dataclass(frozen=True, slots=True)
class SlotClaim:
    """Eight stack bytes from ``offset`` (negative, from the frame's R10).

    ``letters`` has the kernel's letter per byte, *highest address first*: m misc, 0 zero, ? invalid, r
    spilled, d dynptr, i iterator, f irq flag, p poison.  ``value`` was spilled to the ``width`` lowest bytes;
    it describes the whole register that was spilled, of which a narrow spill keeps only the low bytes.
    """

    offset: int
    letters: str
    value: Claim | None = None
    width: int = 0

    @property
    def stored(self) -> ScalarRange | None:
        """What the ``width`` low bytes, read as an unsigned number, can be; None where no scalar was
        spilled."""
        if not isinstance(self.value, ScalarClaim) or not self.width:
            return None
        return narrowed(self.value.range, self.width)

    def excluded_by(self, content: bytes, order: ByteOrder) -> str | None:
        """The claim that the slot's eight bytes (lowest address first) violate, as text; None when they
        fit."""
        for index, letter in enumerate(reversed(self.letters)):
            if letter == "0" and content[index]:
                return f"byte {self.offset + index} is zero"
        stored = self.stored
        return None if stored is None else stored.excluded_by(order.number(content[: self.width]))


def narrowed(whole: ScalarRange, width: int) -> ScalarRange:
    """The low ``width`` bytes (1, 2, 4 or 8) of the values in ``whole``, zero-extended; never smaller than
    the true set.

    The kernel does not truncate a register on a narrow spill (kernel/bpf/verifier.c,
    ``save_register_state``), only on the fill.
    """
    limit = (1 << 8 * width) - 1
    if whole.umax <= limit:
        return whole
    tnum = Tnum(whole.tnum.value & limit, whole.tnum.mask & limit)
    if width == 4:
        return ScalarRange(
            umax=U32_MAX,
            umin32=whole.umin32,
            umax32=whole.umax32,
            smin32=whole.smin32,
            smax32=whole.smax32,
            tnum=tnum,
        )
    return ScalarRange(umax=limit, tnum=tnum)


@dataclass(frozen=True)
class ClaimedState:
    """One printed state of one frame: all of it, or only what an instruction touched.  What is missing is not
    a claim."""

    frame: int
    registers: tuple[tuple[int, Claim], ...] = ()
    slots: tuple[SlotClaim, ...] = ()
    references: tuple[int, ...] = ()
    callback: bool = False
    leftover: str = ""
    """Text that was not understood; empty for every log we know."""

    def register(self, number: int) -> Claim | None:
        """The claim on register ``number``, None when the state does not show it."""
        for shown, claim in self.registers:
            if shown == number:
                return claim
        return None

    @cached_property
    def has_equals(self) -> bool:
        """Whether it says of two scalars that they are equal: one id, and no delta."""
        claims = [claim for _, claim in self.registers] + [slot.value for slot in self.slots]
        ids = [claim.id for claim in claims if isinstance(claim, ScalarClaim) and not claim.delta]
        known = [each for each in ids if each is not None]
        return len(known) > len(set(known))
