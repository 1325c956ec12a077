"""Reach: how much of what a kernel offers the programs of a run came by, and how much of that it took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from ebpf.callees import callees_of
from ebpf.isa.table import FORMS
from ebpf.kfuncs import KFUNCS
from ebpf.program_types import ProgramType
from ebpf.releases import Since
from reports.records import Acceptance, KernelReach, MissCount, ProductionCount, RunSummary
from reports.text import number, percent

_WIDTH = 100
_NOTHING = Acceptance()
_FEW = 10
"""Programs below which a rate says nothing."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one sort was come by: ``reached`` things of the ``offered`` that the kernel has, None
    where it is not known; ``missing`` names the others."""

    name: str
    reached: int
    offered: int | None = None
    missing: tuple[str, ...] = ()


class Rate(msgspec.Struct, frozen=True):
    """Of so many programs meant to be valid so many were accepted."""

    name: str
    valid: int
    accepted: int


class ReachTable(msgspec.Struct, frozen=True, kw_only=True):
    """The reach of a run on one kernel.  ``rates`` are of program types, productions (over all kernels of
    the run) and callees, the lowest first."""

    kernel: str
    release: str
    programs: int
    asked: bool
    """Whether the kernel itself said what it offers; else types and forms are by our tables."""
    shares: tuple[Share, ...]
    types: tuple[Rate, ...]
    productions: tuple[Rate, ...]
    callees: tuple[Rate, ...]
    misses: dict[str, MissCount]


def tables(summary: RunSummary) -> list[ReachTable]:
    """One for each kernel that the run has counts of."""
    releases = {kernel.name: kernel for kernel in summary.kernels}
    return [
        _table(each, releases[each.kernel].release, releases[each.kernel].programs, summary)
        for each in summary.reach
        if each.kernel in releases and each.types
    ]


def _table(reach: KernelReach, release: str, programs: int, summary: RunSummary) -> ReachTable:
    executed = {row.form for row in summary.forms if row.kernel == reach.kernel}
    return ReachTable(
        kernel=reach.kernel,
        release=release,
        programs=programs,
        asked=reach.offer is not None,
        shares=tuple(_shares(reach, release, executed)),
        types=_rates(reach.types.items()),
        productions=_of_productions(summary.productions),
        callees=_rates(_by_callee(reach).items()),
        misses=reach.misses,
    )


def _shares(reach: KernelReach, release: str, executed: set[str]) -> Iterator[Share]:
    offer = reach.offer
    types = [each.name.lower() for each in ProgramType if each] if offer is None else offer.types
    taken = {name for name, counts in reach.types.items() if counts.accepted}
    yield _share("program types", taken, types if offer else None)
    maps = {name for name, counts in reach.maps.items() if counts.accepted}
    yield _share("map types", maps, offer.maps if offer else None)
    allowed = {(kind, callee) for kind in types for callee in callees_of(ProgramType[kind.upper()], release)}
    pairs = {
        (kind, callee)
        for kind, callees in reach.callees.items()
        for callee, counts in callees.items()
        if counts.accepted
    }
    for name, functions in (("helpers", False), ("kernel functions", True)):
        offered = {callee for _, callee in allowed if (callee in KFUNCS) is functions}
        yield _share(name, {callee for _, callee in pairs} & offered, offered)
    for name, functions in (("type × helper", False), ("type × kernel function", True)):
        some = {pair for pair in allowed if (pair[1] in KFUNCS) is functions}
        missing = tuple(f"{kind} {callee}" for kind, callee in sorted(some - pairs))
        yield Share(name=name, reached=len(pairs & some), offered=len(some), missing=missing)
    yield _share("instruction forms executed", executed, offer.forms if offer else _forms(release))
    yield Share(name="rules with near misses", reached=len(reach.misses))


def _forms(release: str) -> list[str]:
    return [form.name for form in FORMS if release in Since(form.since)]


def _share(name: str, reached: set[str], offered: Iterable[str] | None) -> Share:
    if offered is None:
        return Share(name=name, reached=len(reached))
    everything = set(offered)
    missing = tuple(sorted(everything - reached))
    return Share(name=name, reached=len(reached & everything), offered=len(everything), missing=missing)


def _rates(counts: Iterable[tuple[str, Acceptance]]) -> tuple[Rate, ...]:
    rows = (Rate(name, each.valid, each.valid_accepted) for name, each in counts if each.valid)
    return tuple(sorted(rows, key=lambda row: (row.accepted / row.valid, row.name)))


def _of_productions(rows: Iterable[ProductionCount]) -> tuple[Rate, ...]:
    counts = ((row.name, Acceptance(row.used, row.accepted, row.accepted)) for row in rows)
    return _rates(counts)


def _by_callee(reach: KernelReach) -> Mapping[str, Acceptance]:
    """Over all types."""
    total: dict[str, Acceptance] = {}
    for callees in reach.callees.values():
        for name, more in callees.items():
            so_far = total.get(name, _NOTHING)
            total[name] = Acceptance(
                so_far.valid + more.valid,
                so_far.valid_accepted + more.valid_accepted,
                so_far.accepted + more.accepted,
            )
    return total


def miss_total(misses: Mapping[str, MissCount]) -> MissCount:
    """All near misses together."""
    return MissCount(
        sum(each.refused for each in misses.values()),
        sum(each.elsewhere for each in misses.values()),
        sum(each.accepted for each in misses.values()),
        sum(each.unjudged for each in misses.values()),
    )


def text(table: ReachTable) -> str:
    """The table as lines for a terminal."""
    asked = "as it said itself" if table.asked else "by our tables: it was not asked"
    programs = f"{number(table.programs)} programs"
    lines = [f"reach on {table.kernel} ({table.release}), {programs}; what it offers, {asked}"]
    for share in table.shares:
        of = f" of {number(share.offered)}, {percent(share.reached, share.offered)}" if share.offered else ""
        lines.append(f"  {share.name:<28}{number(share.reached)}{of}")
        if share.missing:
            lines.append(f"    missing: {_cut(share.missing)}")
    misses = miss_total(table.misses)
    refused = misses.refused + misses.elsewhere
    lines.append(
        f"  near misses: {number(misses.total)}, refused {percent(refused, misses.total)}, "
        f"for the rule they break {percent(misses.refused, refused)}"
    )
    for name, rates in (
        ("program type", table.types),
        ("production", table.productions),
        ("callee", _low(table.callees)),
    ):
        lines += _accepted(name, rates)
    lines += _broken(table.misses)
    return "\n".join(lines) + "\n"


def _low(rates: Iterable[Rate]) -> list[Rate]:
    return [row for row in rates if row.valid >= _FEW and 2 * row.accepted < row.valid]


def _accepted(name: str, rates: Iterable[Rate]) -> list[str]:
    rows = [f"  {row.name:<40}{number(row.valid):>9}  {percent(row.accepted, row.valid):>8}" for row in rates]
    if not rows:
        return []
    what = f"{name}s under 50 %" if name == "callee" else name
    return ["", f"  {what:<40}{'valid':>9}  accepted", *rows]


def _broken(misses: Mapping[str, MissCount]) -> list[str]:
    if not misses:
        return []
    rows = [
        f"  {name:<40}{number(each.total):>9}  {number(each.refused):>8}{number(each.elsewhere):>11}"
        f"{number(each.accepted):>10}"
        for name, each in sorted(misses.items())
    ]
    return ["", f"  {'rule':<40}{'broken':>9}  {'refused':>8}{'elsewhere':>11}{'accepted':>10}", *rows]


def _cut(names: Iterable[str]) -> str:
    """As many names as a line holds."""
    shown: list[str] = []
    every = list(names)
    for name in every:
        if shown and len(", ".join([*shown, name])) > _WIDTH:
            return ", ".join(shown) + f", … and {len(every) - len(shown)} more"
        shown.append(name)
    return ", ".join(shown)
