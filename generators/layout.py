"""Where on the stack generated programs keep what."""

from __future__ import annotations

INPUT_BASE = -64
"""Offset from R10 of the 64 bytes of input that most programs start from."""
INPUT_BYTES = -INPUT_BASE
INPUT_SLOTS = tuple(range(INPUT_BASE, 0, 8))
KEY_SLOT = -72
SPILL_SLOTS = tuple(range(-80, -144, -8))
KEPT_SLOTS = (-144, -152, -160, -168)
"""Where pointers wait until they are used."""
OBJECT_BASE = -192
"""24 bytes for an iterator, the largest object that the kernel keeps there."""
CLONE_BASE = -224
"""16 bytes for the copy of a dynptr."""
FLAG_SLOTS = (-200, -208)
"""For saved flags, the outer ones first."""
UNTOUCHED = -256
"""What no production writes."""
