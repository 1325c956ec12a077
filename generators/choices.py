"""All productions, and how often each is chosen."""

from __future__ import annotations

from generators.goals import (
    aims,
    arenas,
    callbacks,
    deferred,
    dynptrs,
    exceptions,
    iterators,
    jump_tables,
    kernel_functions,
    kernel_pointers,
    local_objects,
    locks,
    production,
    sections,
)
from generators.productions import (
    arithmetic,
    branches,
    calls,
    corners,
    dead_branches,
    encodings,
    helpers,
    loops,
    memory,
    packet,
)
from generators.productions.table import Production

PRODUCTIONS: tuple[Production, ...] = (
    *arithmetic.PRODUCTIONS, *branches.PRODUCTIONS, *dead_branches.PRODUCTIONS, *memory.PRODUCTIONS,
    *packet.PRODUCTIONS, *calls.PRODUCTIONS, *helpers.PRODUCTIONS, *loops.PRODUCTIONS,
    *production.PRODUCTIONS, *locks.PRODUCTIONS, *callbacks.PRODUCTIONS,
    *kernel_functions.PRODUCTIONS, *sections.PRODUCTIONS,
    *iterators.PRODUCTIONS,
    *dynptrs.PRODUCTIONS, *kernel_pointers.PRODUCTIONS,
    *local_objects.PRODUCTIONS, *deferred.PRODUCTIONS, *exceptions.PRODUCTIONS, *encodings.PRODUCTIONS,
    *corners.PRODUCTIONS, *arenas.PRODUCTIONS, *jump_tables.PRODUCTIONS, *aims.PRODUCTIONS,
)  # fmt: skip
"""Simplest first."""

CHOICES: tuple[Production, ...] = tuple(
    production for production in PRODUCTIONS for _ in range(production.weight)
)
"""Each production as often as its weight says."""

AIMED_CHOICES: tuple[Production, ...] = CHOICES + (aims.AIM,) * len(CHOICES)
"""Of a program in which every callee gets its turn."""
