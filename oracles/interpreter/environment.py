"""Everything a run cannot predict, chosen by a seed: addresses, random numbers, time, bytes never written.

Two runs that differ only in their environment must give the same outcome, or that outcome holds for neither
kernel nor oracle.
"""

from __future__ import annotations

import random
from enum import Enum


class Addresses(Enum):
    """Where regions lie: where a kernel could put them, or where mistakes show (low half zero, high bit
    set)."""

    PLAUSIBLE = "plausible"
    ADVERSARIAL = "adversarial"


DOUBLE_WORD = 8
"""What stacks, contexts and map values are aligned to."""
DIFFERENT = 10
"""So many seeds in a row differ in all that a program can see of addresses."""


def _low_half(seed: int) -> int:
    """Where the first region lies in 4 GiB: programs compare that half as well, with and without a sign.

    Of :data:`DIFFERENT` seeds in a row, eight put it into each eighth of 32 bits, and two at the ends: a
    kernel's stacks have addresses such as 0xffffc90000437d00.
    """
    place = seed % DIFFERENT
    if place >= 8:
        return 0x1000 if place == 8 else 0xFFFF_F000
    return ((place << 29) + 0x1000_0000 + (seed * 0x9E3779B1 & 0x7FFF) * 4096) & 0xFFFF_FFFF


def _in_page(seed: int, number: int) -> int:
    """Where region ``number`` lies in its page: programs look at single bytes of addresses, too.

    Of two of :data:`DIFFERENT` seeds in a row it is the first and the last byte, so that no bit is the same
    for all; of the others any, and of seed 0 the first.
    """
    place = seed % DIFFERENT
    if place >= 8:
        return 0 if place == 8 else 0xFFF
    return (seed * (0x9E3779B1 + number * 0x3C6EF372) * 0x85EBCA6B >> 17) & 0xFFF


class Environment:
    """``used``: an address was looked at as a number.  ``drawn``: bits were asked for (random numbers, time,
    bytes never written), ``draws`` times.  ``idle``: all of them are zero, as they mostly are on a machine
    that does nothing but this test run: helpers succeed, nothing is found, new memory is clean."""

    __slots__ = ("_idle", "_low_half_zero", "_next", "_random", "_regions", "_seed", "drawn", "draws", "used")

    def __init__(
        self, seed: int = 0, addresses: Addresses = Addresses.PLAUSIBLE, *, idle: bool = False
    ) -> None:
        self._idle = idle
        self._random: random.Random | None = None
        self._seed = seed
        self._regions = 0
        self.used = False
        self.drawn = False
        self.draws = 0
        self._low_half_zero = addresses is Addresses.ADVERSARIAL
        if addresses is Addresses.PLAUSIBLE:
            self._next = 0xFFFF_8880_0000_0000 + _low_half(seed)
        else:
            self._next = 0x9000_0000_0000_0000 + ((seed * 0x9E3779B1 & 0xFFFF) << 32)

    def base(self, size: int, alignment: int = 1) -> int:
        """A fake address for a region of ``size`` bytes, far from every other; ``alignment``: a power of two
        of which every kernel gives it a multiple.

        Gaps depend on the seed, and with odd seeds regions follow each other downwards: neither the distance
        nor the order of two regions is the same for all seeds.
        """
        gap = (self._next >> 12 ^ self._seed * 0x9E3779B1) * 0x85EBCA6B >> 16
        near = ((size + 0x1FFF) & ~0xFFF) + ((gap & 0xFF) << 12)
        span = (1 + (gap & 3)) << 32 if self._low_half_zero else near
        place = 0 if self._low_half_zero else _in_page(self._seed, self._regions) & -alignment
        self._regions += 1
        if self._seed & 1:
            self._next -= span
            return self._next + place
        base = self._next + place
        self._next += span
        return base

    def user_address(self) -> int:
        """A fake page-aligned address in user space, with room for 4 GiB behind it."""
        return 0x7F00_0000_0000 + (self._seed * 0x9E3779B1 & 0xFF_FFFF) * 4096

    def bits(self, count: int) -> int:
        """``count`` unpredictable bits."""
        self.drawn = True
        self.draws += 1
        if self._idle:
            return 0
        if self._random is None:
            self._random = random.Random(self._seed)
        return self._random.getrandbits(count)

    def chance(self, usual: bool) -> bool:
        """An unpredictable choice; the first seed takes the usual side."""
        drawn = self.bits(1)
        return usual if self._seed == 0 else bool(drawn)
