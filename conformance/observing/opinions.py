"""Opinions: what the reference verifier says of a case, every witness of it confirmed by the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

from ebpf import rules
from ebpf.program import Case
from ebpf.releases import release_key
from ebpf.rules import Rule
from oracles.interpreter import Trapped, run
from oracles.reference import Budget, Explored, ReferenceAnswer, ReferenceVerdict, explore, verify_by_ranges

_P = ParamSpec("_P")
_R = TypeVar("_R")

SEEDS = 6
"""Environments that a run which looks at chance must break the rule in, every one."""
REPLAY_LIMIT = 50_000
"""Instructions that the interpreter executes at most when it replays a witness."""
THOROUGH = Budget(steps=100_000, paths=20_000, seconds=20.0, queries=4_000, effort=40_000_000)
"""For one program that somebody asks about."""
QUICK = Budget(steps=20_000, paths=2_000, seconds=30.0, queries=150, effort=4_000_000)
"""For one of a run of which the kernel said what was not expected."""
BRIEF = Budget(steps=3_000, paths=1_000, seconds=30.0, queries=80, effort=200_000)
"""For a sample of a run.  The few that cost more than ten times the median cost as much as all others
together, and most of them are left open all the same."""
ONE_FAULT = (
    frozenset({rules.NULL_DEREFERENCE, rules.SCALAR_DEREFERENCE}),
    frozenset({rules.UNINITIALISED_REGISTER, rules.USE_AFTER_RELEASE}),
    frozenset({rules.SCALAR_DEREFERENCE, rules.USE_AFTER_RELEASE}),
    frozenset({rules.HELPER_ARGUMENT, rules.USE_AFTER_RELEASE}),
)
"""Two names for what goes wrong at one place: the number that is dereferenced may be 0; what was released is
gone."""


def _keep(number: int) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """``lru_cache``, which alone would hide from mypy that an argument is missing."""
    return cast(Callable[[Callable[_P, _R]], Callable[_P, _R]], lru_cache(maxsize=number))


def replays(case: Case, rule: Rule, at: int) -> bool:
    """Whether the interpreter, run on the case's one input, breaks ``rule`` at slot ``at``, whatever
    addresses and chance are."""
    for seed in range(SEEDS):
        outcome = run(case, case.inputs[0], seed=seed, limit=REPLAY_LIMIT)
        if not isinstance(outcome, Trapped) or outcome.at != at:
            return False
        if outcome.rule != rule and not any({outcome.rule, rule} <= fault for fault in ONE_FAULT):
            return False
        if outcome.predictable:
            return True
    return True


@_keep(4)
def explored(case: Case, budget: Budget) -> Explored:
    """The opinion with the paths it rests on; these are large, so that few are kept."""
    return explore(case, replays, budget)


def paths(case: Case, budget: Budget) -> Explored:
    """Every path of the program: those that its opinion rests on, where that did not end at a violation."""
    search = explored(case, budget)
    if search.answer.verdict is ReferenceVerdict.UNSAFE:
        return explore(case, lambda case, rule, at: False, budget)
    return search


@_keep(32)
def opinion(case: Case, budget: Budget) -> ReferenceAnswer:
    """Safe, unsafe with a witness that replays, or unknown; and the policy rules that the program breaks."""
    return explored(case, budget).answer


@_keep(32)
def by_intervals(case: Case, budget: Budget) -> ReferenceAnswer:
    """Safe where a kernel's own means prove it: intervals and known bits, no relation between two values."""
    return verify_by_ranges(case, budget)


def linux(release: str) -> tuple[int, int]:
    """(major, minor) of ``uname -r``; (0, 0) for what cannot be read, so that no rule binds it."""
    key = release_key(release)
    return (key[0], key[1]) if len(key) >= 2 else (0, 0)
