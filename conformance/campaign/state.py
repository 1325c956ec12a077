"""State: what a run needs to be taken up again, beside what its reports read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from conformance.campaign.known import KnownIssue
from conformance.campaign.rota import Post
from conformance.campaign.standing import CampaignStanding, KernelStanding
from conformance.campaign.store import STATE
from conformance.campaign.tally import DISTINCT_BEFORE, Tally
from ebpf.errors import InputError
from reports.records import KernelOffer, LossRecord


class RunPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for: the arguments of a run, its kernels by name."""

    kernels: tuple[str, ...]
    kinds: tuple[str, ...]
    command: str
    seed: int
    workers: int
    seconds: float | None
    examples: int | None
    boot_args: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    baseline: str = ""
    issues: tuple[KnownIssue, ...] = ()
    """Local known issues."""


class PostState(msgspec.Struct, frozen=True):
    """How far a post is."""

    kernel: str
    worker: int
    spent: float
    programs: int
    objects: int


class KernelState(msgspec.Struct, frozen=True):
    """A :class:`KernelStanding` as JSON."""

    tally: dict[str, list[Any]]
    losses: tuple[LossRecord, ...]
    release: str
    accelerator: str
    boots: int
    seconds: float
    offer: KernelOffer | None = None


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """``state.json``."""

    format: Literal["veridiff-state/1"] = "veridiff-state/1"
    plan: RunPlan
    started: str
    seconds: float
    errors: tuple[str, ...]
    posts: tuple[PostState, ...]
    kernels: dict[str, KernelState]

    def restore(self, standing: CampaignStanding, posts: Iterable[Post]) -> None:
        """Put a new campaign where this one stood."""
        standing.earlier = self.seconds
        standing.errors += self.errors
        for name, kernel in self.kernels.items():
            standing.kernels[name] = KernelStanding(
                tally_of(kernel.tally),
                list(kernel.losses),
                kernel.release,
                kernel.accelerator,
                kernel.boots,
                kernel.seconds,
                kernel.offer,
            )
        states = {(state.kernel, state.worker): state for state in self.posts}
        for post in posts:
            if state := states.get((post.image.name, post.worker)):
                post.spent, post.programs, post.objects = state.spent, state.programs, state.objects


def state_of(plan: RunPlan, started: str, standing: CampaignStanding, posts: Iterable[Post]) -> RunState:
    """Where a campaign stands."""
    return RunState(
        plan=plan,
        started=started,
        seconds=standing.elapsed(),
        errors=tuple(standing.errors),
        posts=tuple(
            PostState(post.image.name, post.worker, post.spent, post.programs, post.objects) for post in posts
        ),
        kernels={
            name: KernelState(
                plain_tally(kernel.tally),
                tuple(kernel.losses),
                kernel.release,
                kernel.accelerator,
                kernel.boots,
                kernel.seconds,
                kernel.offer,
            )
            for name, kernel in standing.kernels.items()
        },
    )


def load(directory: Path) -> RunState:
    """The state of a run.  Raises :class:`InputError` naming the file and the reason."""
    file = directory / STATE
    try:
        return msgspec.json.decode(file.read_bytes(), type=RunState)
    except OSError as error:
        raise InputError(f"{directory}: no run to take up: {file.name}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise InputError(f"{file}: {error}") from None


def plain_tally(tally: Tally) -> dict[str, list[Any]]:
    """The counters, a list of [key, count] each."""
    plain = {
        name: [[key, count] for key, count in getattr(tally, name).items()]
        for name in tally.__dataclass_fields__
        if name != "shapes"
    }
    distinct = tally.counts[DISTINCT_BEFORE] + len(tally.shapes)
    plain["counts"] = [pair for pair in plain["counts"] if pair[0] != DISTINCT_BEFORE]
    plain["counts"].append([DISTINCT_BEFORE, distinct])
    return plain


def tally_of(plain: dict[str, list[Any]]) -> Tally:
    """The counters again; unknown ones are left out."""
    tally = Tally()
    for name in tally.__dataclass_fields__:
        counter = getattr(tally, name)
        for key, count in plain.get(name, []):
            counter[tuple(key) if isinstance(key, list) else key] = count
    return tally
