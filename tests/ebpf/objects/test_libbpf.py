"""Our reader against libbpf itself on generated objects: it agrees on what both open, and opens nothing that
libbpf refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ebpf.objects import ObjectError, open_object
from ebpf.objects.object import Object
from ebpf.objects.strictness import STRICTER
from generators.dice import Dice
from generators.objects import break_object, well_formed
from tests.ebpf.objects.libbpf import Opened, library, open_in_child

SEEDS = st.lists(st.lists(st.integers(0, (1 << 160) - 1), min_size=1, max_size=12), min_size=1, max_size=3)
WIDE = st.integers(0, (1 << 256) - 1)


@pytest.fixture(scope="module")
def libbpf() -> Any:
    found = library()
    if found is None:
        pytest.skip("libbpf.so.1 is missing")
    return found


AT_LOAD = (
    "a function's address with a relocation against",
    "missing subprogram address relocation",
    "a call's relocation at a load",
)
"""Refusals of relocations that libbpf makes on loading (bpf_object__reloc_code, 1.0 to 1.5), and we, who relocate
on opening, before; here objects are opened only."""


def ours(data: bytes) -> tuple[Opened, str]:
    """What our reader makes of it, and why it refuses."""
    try:
        return summary(open_object(data, "x.o")), ""
    except ObjectError as error:
        return Opened(), str(error)


def summary(opened: Object) -> Opened:
    programs = tuple(
        (p.name, p.section.lstrip("?"), int(p.type), int(p.attach_type or 0)) for p in opened.programs
    )
    maps = tuple(
        (s.name, int(s.type), s.key_size, s.value_size, s.max_entries, s.flags, s.btf_key, s.btf_value)
        for s in (each.spec for each in opened.maps)
    )
    return Opened(programs, maps)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(WIDE, SEEDS)
def test_well_formed(libbpf: Any, header: int, seeds: list[list[int]]) -> None:
    data = well_formed(header, seeds).data
    read, refusal = ours(data)
    assert read == open_in_child(libbpf, data), refusal
    assert refusal == "" or "legacy map definitions" in refusal


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(WIDE, SEEDS, WIDE)
def test_malformed(libbpf: Any, header: int, seeds: list[list[int]], broken: int) -> None:
    made = break_object(well_formed(header, seeds).data, Dice(broken))
    theirs = open_in_child(libbpf, made.data)
    read, refusal = ours(made.data)
    if refusal and theirs.programs is not None:
        words = (*AT_LOAD, *(each.words for each in STRICTER))
        assert any(each in refusal for each in words), f"{made.broken}: {refusal}"
    elif not refusal:
        assert read in (theirs, replace(theirs, programs=without_a_sole_function_of_text(theirs))), (
            made.broken
        )


def without_a_sole_function_of_text(opened: Opened) -> tuple[Any, ...] | None:
    """libbpf before 1.5 took a function of .text for a program where it is the only one; Debian 12's does."""
    return () if [section for _, section, _, _ in opened.programs or ()] == [".text"] else opened.programs
