"""The tree's nodes: one per visit of an instruction."""

from __future__ import annotations

from dataclasses import dataclass, field

from ebpf.verifier_log.claims import ClaimedState
from ebpf.verifier_log.known import Known

Place = tuple[int, int]
"""(frame, instruction): where a walk or a run is.  Frame 0 is the main program."""


@dataclass(slots=True, eq=False)
class Node:
    """One visit of ``insn`` in ``frame``.  ``entry``: the state texts printed before it ran and after its
    parent did.

    ``children`` by the place reached next; a pruned one is None.  ``branches``: states pushed here and popped
    later that start at this or the following instruction although this is no jump, so that one state was
    split in two (maybe_fork_scalars, iterators). ``unsure``: instructions that some ``from`` reached from
    here or from another visit.
    """

    insn: int
    frame: int
    parent: Node | None
    entry: tuple[str, ...]
    position: int
    speculative: bool = False
    decided: bool = False
    popped: bool = False
    children: dict[Place, Node | None] = field(default_factory=dict)
    branches: list[Node | None] = field(default_factory=list)
    unsure: set[int] = field(default_factory=set)
    known: Known | None = None
    states: tuple[ClaimedState, ...] | None = None
    """``entry``, once somebody has asked for its claims."""
