"""The table: what each transformation keeps of the verdict, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from ebpf.program import Case
from ebpf.releases import Since
from ebpf.transformations import branches, constants, functions, loading, loops, registers, stores

_ALL = Since("5.10")


class Keeps(Enum):
    """What follows for the changed program from a verdict on the original, beyond that both do the same."""

    VERDICT = "verdict"
    """The verifier does the same steps with the same states, up to names: both verdicts are equal."""
    ACCEPTANCE = "acceptance"
    """It walks the same paths, knowing no less: where the original was accepted with no path left out, the
    changed one is accepted too."""
    REFUSAL = "refusal"
    """It walks the same paths, knowing no more: where the changed one was accepted with no path left out, the
    original is accepted too."""
    NOTHING = "nothing"
    """Paths are walked in another order, or other ones are: a verifier may know less of the changed one."""


@dataclass(frozen=True, slots=True)
class Transformation:
    """One way to change a program that keeps what it does."""

    name: str
    apply: Callable[[Case], Case | None]
    keeps: Keeps
    why: str
    since: Since = _ALL
    """The kernels of which that holds."""
    unprivileged: bool = False
    """Whether it holds without privilege too: there numbers are not kept on the stack, and branches are
    walked that no run takes."""

    def kept(self, release: str, case: Case) -> Keeps:
        """What a kernel must keep for that original."""
        holds = release in self.since and (self.unprivileged or case.capabilities is None)
        return self.keeps if holds else Keeps.NOTHING


TRANSFORMATIONS = (
    Transformation(
        "renamed registers", registers.rename, Keeps.VERDICT,
        "calls preserve R6 to R9, and nothing tells them apart",
        unprivileged=True,
    ),
    Transformation(
        "swapped operands", branches.swap_operands, Keeps.VERDICT,
        "both sides of a comparison are refined alike: regs_refine_cond_op(); before, a constant was looked "
        "for on the right only",
        Since("6.8"), unprivileged=True,
    ),
    Transformation(
        "reordered instructions", registers.reorder, Keeps.VERDICT,
        "neighbours of one block; states are kept at its ends only",
        unprivileged=True,
    ),
    Transformation(
        "split and merged constants", constants.split_and_merge, Keeps.ACCEPTANCE,
        "a constant plus a constant is known: adjust_scalar_min_max_vals()",
    ),
    Transformation(
        "shifted masks", constants.shift_masks, Keeps.REFUSAL,
        "a mask leaves what a pair of shifts does: tnum_and() and scalar_min_max_and() keep the low bits and "
        "bound by the mask",
    ),
    Transformation(
        "dead stores", stores.write_dead_registers, Keeps.ACCEPTANCE,
        "what is not read is not compared, and a written register needs no check",
    ),
    Transformation(
        "spill and fill", stores.spill_and_fill, Keeps.ACCEPTANCE,
        "a slot of eight bytes keeps all that is known of a register, unbounded numbers and ids too: "
        "save_register_state()",
        Since("6.9"),
    ),
    Transformation(
        "inlined function", functions.inline, Keeps.ACCEPTANCE,
        "static functions are walked where they are called",
    ),
    Transformation(
        "outlined instruction", functions.outline, Keeps.ACCEPTANCE,
        "static functions are walked where they are called, and arguments and results copied whole",
    ),
    Transformation(
        "state frequency", loading.toggle_state_frequency, Keeps.ACCEPTANCE,
        "more states only leave out paths, fewer cost time: is_state_visited()",
    ),
    Transformation(
        "states everywhere", loading.keep_states_everywhere, Keeps.ACCEPTANCE,
        "a jump to the next instruction does nothing but keep a state",
    ),
    Transformation(
        "more privilege", loading.add_privilege, Keeps.ACCEPTANCE,
        "every measure against speculation and every rule for the unprivileged only takes away",
        unprivileged=True,
    ),
    Transformation(
        "inverted branches", branches.invert_branches, Keeps.NOTHING,
        "the order in which paths are walked decides which are left out",
    ),
    Transformation(
        "peeled loop", loops.peel, Keeps.NOTHING,
        "where a loop's states meet decides what is known of its counter",
    ),
)  # fmt: skip
