"""An object's program attached where its section says, triggered there, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.kernel.attaching import WAYS, Attached, AttachJob, AttachPlace, AttachWay, PlaceKind, Trigger
from conformance.kernel.features.answers import Answer3
from conformance.kernel.features.attaching import PERF_IOCTL, PERF_LINK, probe_attaching
from conformance.kernel.jobs import Lost
from conformance.kernel.session import KernelSession
from ebpf.errors import InputError
from ebpf.objects import Generation, ObjectProgram
from ebpf.objects.section_names import resolve
from ebpf.program import Case

KINDS = {
    "tracepoint": PlaceKind.TRACEPOINT, "tp": PlaceKind.TRACEPOINT, "kprobe": PlaceKind.KPROBE,
    "kretprobe": PlaceKind.KRETPROBE,
    "raw_tracepoint": PlaceKind.RAW_TRACEPOINT, "raw_tp": PlaceKind.RAW_TRACEPOINT,
    "socket": PlaceKind.SOCKET,
    "cgroup_skb/ingress": PlaceKind.CGROUP, "cgroup_skb/egress": PlaceKind.CGROUP,
}  # fmt: skip
"""By the name in the row of :mod:`ebpf.objects.section_names` that a section fits."""
PERF_EVENTS = frozenset({PlaceKind.TRACEPOINT, PlaceKind.KPROBE, PlaceKind.KRETPROBE})
TRIGGERS = {"getpid": Trigger.GETPID, "openat": Trigger.OPENAT}
"""By what the place's name holds.  Anything else may come by while a process executes a file, or does not."""
SHOWN = 8
"""Entries of a map, and lines of the trace pipe, that a person is shown."""


@dataclass(frozen=True, slots=True)
class AttachTrial:
    """One program attached to one kernel in one way."""

    kernel: str
    job: AttachJob
    got: Attached | Lost


def place_of(program: ObjectProgram, generation: Generation) -> str | None:
    """What :meth:`AttachPlace.parse` takes, for a program whose section says where it belongs; None where
    that is nowhere, or nowhere that is attached to here."""
    row = resolve(program.section, generation).row
    stem = "" if row is None else row.name.rstrip("+/")
    kind = KINDS.get(stem)
    if kind is None:
        return None
    name = {PlaceKind.CGROUP: stem.rpartition("/")[2], PlaceKind.SOCKET: ""}.get(kind, program.attach_to)
    place = AttachPlace(kind, name)
    try:
        AttachPlace.parse(str(place))
    except InputError:
        return None
    return str(place)


def trigger_of(place: str) -> Trigger:
    """What is done to make something happen at ``place``."""
    kind = AttachPlace.parse(place).kind
    if kind in (PlaceKind.SOCKET, PlaceKind.CGROUP):
        return Trigger.PACKET
    return next((trigger for word, trigger in TRIGGERS.items() if word in place), Trigger.EXECVE)


def attach(case: Case, place: str, name: str, kernel: KernelSession) -> Iterator[AttachTrial]:
    """Every way to attach to such a place that the kernel has, once each."""
    kind = AttachPlace.parse(place).kind
    missing: set[AttachWay] = set()
    if kind in PERF_EVENTS:
        # A kernel that could not tell is asked all the same: its errno then says more than silence.
        features = {PERF_IOCTL: AttachWay.IOCTL, PERF_LINK: AttachWay.LINK}
        missing = {features[each.name] for each in probe_attaching(kernel) if each.answer is Answer3.NO}
    for way in WAYS[kind]:
        if way not in missing:
            job = AttachJob(case, place, way, trigger_of(place))
            yield AttachTrial(name, job, kernel.attach(job))


def as_json(trial: AttachTrial) -> dict[str, Any]:
    """A trial for ``check --json``; maps as ``{key: value}`` in hex, null for one that cannot be read."""
    plain = {
        "kernel": trial.kernel,
        "place": trial.job.where,
        "way": trial.job.way.name.lower(),
        "trigger": trial.job.trigger.name.lower(),
    }
    if isinstance(trial.got, Lost):
        return {**plain, "lost": trial.got.reason.value}
    return {
        **plain,
        "stages": [
            {"stage": each.stage.name.lower(), "errno": each.errno, "value": each.value}
            for each in trial.got.stages
        ],
        "printed": list(trial.got.printed()),
        "complete": trial.got.complete,
        "maps": {
            spec.name or str(number): None
            if pairs is None
            else {key.hex(): value.hex() for key, value in pairs}
            for number, (spec, pairs) in enumerate(
                zip(trial.job.case.program.maps, trial.got.maps, strict=False)
            )
        },
    }


def lines(trial: AttachTrial) -> Iterator[str]:
    """The same for a person."""
    way = "" if trial.job.way is AttachWay.OWN else f", by {trial.job.way.name.lower()}"
    yield f"  attached to {trial.job.where} on {trial.kernel}{way}, trigger: {trial.job.trigger.name.lower()}"
    if isinstance(trial.got, Lost):
        yield f"    the virtual machine was lost ({trial.got.reason.value})"
        return
    yield "    stages: " + ", ".join(map(str, trial.got.stages))
    printed = trial.got.printed()
    yield from (f"    trace pipe: {line}" for line in printed[:SHOWN])
    if len(printed) > SHOWN or not trial.got.complete:
        yield f"    trace pipe: {len(printed)} lines in all" + (
            "" if trial.got.complete else ", and more that were lost"
        )
    for number, (spec, pairs) in enumerate(zip(trial.job.case.program.maps, trial.got.maps, strict=False)):
        yield f"    map {spec.name or number}: {_content(pairs)}"


def _content(pairs: tuple[tuple[bytes, bytes], ...] | None) -> str:
    if pairs is None:
        return "cannot be read from outside"
    told = [f"[{key.hex()}] = {value.hex()}" for key, value in pairs if any(value)]
    more = f", … ({len(told)} in all)" if len(told) > SHOWN else ""
    zeros = len(pairs) - len(told)
    return (", ".join(told[:SHOWN]) + more if told else "") + (
        f"{', and ' if told else ''}{zeros} all zero" if zeros else ""
    )
