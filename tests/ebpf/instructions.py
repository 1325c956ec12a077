"""Strategies: legal instructions of every form, and instructions one field away from legal."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ebpf.isa import Insn
from ebpf.isa.forms import Form, Free
from ebpf.isa.table import FORMS

LIMITS = {
    "dst": (0, 10),
    "src": (0, 10),
    "off": (-(1 << 15), (1 << 15) - 1),
    "imm": (-(1 << 31), (1 << 31) - 1),
}
ONE_HALF = {"ld_map_fd", "ld_func", "ld_map_idx"}
"""64-bit immediates that mean something in their lower half only."""
FIELDS = ("dst", "src", "off", "imm")


def _allowed(form: Form, name: str) -> st.SearchStrategy[int]:
    allowed = getattr(form, name)
    if not isinstance(allowed, Free):
        return st.sampled_from(allowed)
    low, high = LIMITS[name]
    return st.integers(low, high)


def of_form(form: Form) -> st.SearchStrategy[tuple[Insn, ...]]:
    """The form's slots with any allowed fields."""
    first = st.builds(Insn, st.just(form.opcode), *[_allowed(form, name) for name in FIELDS])
    if form.slots == 1:
        return first.map(lambda insn: (insn,))
    high = st.just(0) if form.name in ONE_HALF else st.integers(*LIMITS["imm"])
    return st.tuples(first, high.map(lambda imm: Insn(0, imm=imm)))


@st.composite
def legal(draw: Any) -> tuple[Form, tuple[Insn, ...]]:
    """A form and its slots."""
    form = draw(st.sampled_from(FORMS))
    return form, draw(of_form(form))
