"""What a judged program costs, stage by stage, and how the whole compares with the agent loading the same
programs alone.

Ratios are measured in one run on one machine; nothing here is a test.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from conformance.campaign import known
from conformance.campaign.assignment import Assignment
from conformance.campaign.events import Event, Order, Standing
from conformance.campaign.subjects import ProgramSubject
from conformance.campaign.tally import Tally, median
from conformance.campaign.versions import provenance
from conformance.campaign.worker import Worker
from conformance.kernel.image import Image
from conformance.kernel.jobs import Attempt, Jit, Job, Lost
from conformance.kernel.session import KernelSession
from conformance.observing.door import Sighting
from conformance.observing.question import Question
from conformance.properties.registry import PROPERTIES
from generators.profiles import Profile, profile_for
from generators.recipes import Recipe, draw, draw_long

RAW_PROGRAMS = 100
RAW_LOADS = 3
LENGTHS = ((0, 400), (24, 200), (420, 100), (4500, 100))
"""(productions, programs): some 20, 80, 1,000 and 10,000 instructions."""
STAGES = ("generate", "interpret", "kernel", "reference", "compare")


@dataclass(slots=True)
class BenchResult:
    """``host_ms`` is CPU of the worker per judged program, by stage; ``guest_ms`` is QEMU's CPU per judged
    program.  Rates are per second; ``raw_rate``: programs loaded once each with log level 2 by the agent
    alone.  ``memory_mib`` is each process's peak."""

    kernel: str
    programs: int = 0
    median_instructions: float = 0.0
    host_ms: dict[str, float] = field(default_factory=dict)
    guest_ms: float = 0.0
    guest_load_ms: float = 0.0
    raw_rate: float = 0.0
    rate: float = 0.0
    host_idle: float = 0.0
    """Share of the time in which the worker used no CPU: it waited for the virtual machine, or had no CPU."""
    guest_idle: float = 0.0
    """The same of QEMU."""
    memory_mib: dict[str, int] = field(default_factory=dict)
    disagreements: int = 0
    """Seen, and not followed: to see one through costs as much as thousands of programs."""
    lost: int = 0
    """Programs that took the machine away: each costs the watchdog's time and a boot, which *is* part of the
    rate."""

    @property
    def ratio(self) -> float:
        """End-to-end rate as a part of the raw load rate."""
        return self.rate / self.raw_rate if self.raw_rate else 0.0


@dataclass(frozen=True, slots=True)
class LengthRow:
    """What programs of one number of productions cost, all properties asked.

    ``host_us`` is CPU of the worker, ``load_us`` the guest's time in BPF_PROG_LOAD, both in microseconds per
    instruction of a judged program.
    """

    productions: int
    programs: int
    instructions: float
    """The median's."""
    accepted: int
    host_us: float
    load_us: float


def measure_length(
    image: Image, productions: int, examples: int, seed: int, boot_args: tuple[str, ...] = ()
) -> LengthRow:
    """Judge ``examples`` programs of so many productions on ``image``."""
    tally = _judge(image, examples, seed, boot_args, (), partial(draw_long, productions=productions)).tally
    instructions = max(1, sum(length * count for length, count in tally.lengths.items()))
    host = sum(tally.seconds[stage] for stage in STAGES)
    return LengthRow(
        productions,
        tally.counts["judged"],
        median(tally.lengths),
        tally.counts["accepted"],
        1e6 * host / instructions,
        tally.counts["guest load microseconds"] / instructions,
    )


class _JudgingWorker(Worker):
    """Judges, and follows nothing of what it sees."""

    disagreements = 0

    def pursue(self, subject: ProgramSubject, sightings: Iterable[Sighting]) -> None:
        """Count them."""
        self.disagreements += len(list(sightings))

    def pursue_loss(self, question: Question, recipe: Recipe, lost: Lost) -> None:
        """Nothing: the tally counts it."""


def _judge(
    image: Image,
    examples: int,
    seed: int,
    boot_args: tuple[str, ...],
    kinds: tuple[str, ...],
    draw: Callable[[random.Random, Profile], Recipe] = draw,
) -> _Sink:
    kinds = kinds or tuple(row.kind for row in PROPERTIES.values() if row.judge is not None)
    task = Assignment(
        image, boot_args, kinds, seed, 0, None, examples, (), provenance(seed, "veridiff bench"), known.load()
    )
    sink = _Sink()
    worker = _JudgingWorker(task, sink, draw=draw)
    worker.work()
    sink.disagreements = worker.disagreements
    return sink


def measure(
    image: Image, examples: int, seed: int, boot_args: tuple[str, ...] = (), kinds: tuple[str, ...] = ()
) -> BenchResult:
    """Judge ``examples`` programs on ``image`` with these properties, or all, and load a sample of them
    alone."""
    bench = BenchResult(image.name)
    sink = _judge(image, examples, seed, boot_args, kinds)
    tally = sink.tally
    bench.programs = max(1, tally.counts["judged"])
    bench.median_instructions = median(tally.lengths)
    bench.host_ms = {stage: 1e3 * tally.seconds[stage] / bench.programs for stage in STAGES}
    bench.guest_ms = 1e3 * (sink.guest_cpu - sink.guest_cpu_at_start) / bench.programs
    bench.guest_load_ms = tally.counts["guest load microseconds"] / 1e3 / bench.programs
    bench.rate = bench.programs / max(1e-9, sink.ended - sink.started)
    elapsed = max(1e-9, sink.ended - sink.started)
    bench.host_idle = max(0.0, 1 - (sink.host_cpu - sink.host_cpu_at_start) / elapsed)
    bench.guest_idle = max(0.0, 1 - (sink.guest_cpu - sink.guest_cpu_at_start) / elapsed)
    bench.memory_mib = sink.memory
    bench.disagreements = sink.disagreements
    bench.lost = tally.counts["lost"]
    bench.raw_rate = _raw(image, boot_args, seed)
    return bench


def _raw(image: Image, boot_args: tuple[str, ...], seed: int) -> float:
    with KernelSession.open(image, boot_args) as session:
        profile = profile_for(session.hello.release, image.architecture.machine)
        spent = loads = 0
        for number in range(RAW_PROGRAMS):
            generated = draw(random.Random(f"{seed}/{image.name}/0/{number}"), profile).make()
            job = Job(generated.case, (Attempt(Jit.ON, 2, run=False),))
            answer = session.run(job)
            if not getattr(answer, "attempts", ()) or answer.attempts[0].errno:  # type: ignore[union-attr]
                continue
            _, nanoseconds = session.bench(job, RAW_LOADS)
            spent += nanoseconds
            loads += RAW_LOADS
    return 1e9 * loads / spent if spent else 0.0


class _Sink:
    """A channel that adds up counts, and looks at the processes while they are there."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.started = self.ended = 0.0
        self.guest_cpu = self.guest_cpu_at_start = 0.0
        self.host_cpu = self.host_cpu_at_start = 0.0
        self.memory: dict[str, int] = {}
        self.disagreements = 0

    def orders(self) -> list[Order]:
        """None."""
        return []

    def send(self, event: Event) -> None:
        """Take an event in."""
        if not isinstance(event, Standing):
            return
        self.tally.add(event.tally)
        self.ended = time.monotonic()
        self.guest_cpu = sum(_cpu_seconds(pid) for pid in _children())
        self.host_cpu = time.process_time()
        if not self.started:
            self.started, self.guest_cpu_at_start = self.ended, self.guest_cpu
            self.host_cpu_at_start = self.host_cpu
        self.memory["veridiff"] = _peak_mib(os.getpid())
        for pid in _children():
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            self.memory[name] = max(self.memory.get(name, 0), _peak_mib(pid))


def _children() -> list[int]:
    found = []
    for task in Path("/proc/self/task").iterdir():
        found += [int(pid) for pid in (task / "children").read_text().split()]
    return found


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM:")), 0)
