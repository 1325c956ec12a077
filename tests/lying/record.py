"""Record real kernels' answers: ``python -m tests.lying.record KERNEL...`` (names as ``--kernel`` takes
them).  Of another architecture than the host's only a few, that run."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count, islice

from conformance.kernel.architecture import DEFAULT
from conformance.kernel.hello import Knob
from conformance.kernel.images import fetch
from conformance.kernel.jobs import Job, KernelAnswer
from conformance.kernel.session import KernelSession
from conformance.observing.question import Attempts
from ebpf.program_types import ProgramType
from generators.profiles import profile_for
from generators.programs import Generated, Purpose
from generators.recipes import draw
from oracles.interpreter import Returned, run
from oracles.interpreter.outcome import MapContents
from oracles.interpreter.runs import STEP_LIMIT
from tests.lying.recorded import DIRECTORY, FOREIGN, Recorded, save
from tests.lying.unsafe import unsafe

WANTED = {
    (Purpose.VALID, True): 10,
    (Purpose.VALID, False): 7,
    (Purpose.DARING, True): 6,
    (Purpose.DARING, False): 4,
}
PER_RULE = 2
EXPERIMENTS = 24
RUNNING = 12
"""Programs of another architecture."""
LONGEST_LOG = 60_000


def chosen(release: str) -> list[Generated]:
    """The unsafe ones, and generated ones of every purpose and rule."""
    profile = profile_for(release)
    left = Counter(WANTED)
    rules: Counter[str] = Counter()
    cases = unsafe()
    for number in range(1500):
        made = draw(random.Random(f"recorded/{number}"), profile).make()
        group = made.purpose, made.case.capabilities is None
        if made.rule is not None:
            rules[made.rule.name] += 1
            if rules[made.rule.name] > PER_RULE:
                continue
        elif left[group] <= 0:
            continue
        else:
            left[group] -= 1
        cases.append(replace(made, case=replace(made.case, name=f"{made.purpose.value} {number}")))
    return cases


def experiments(release: str) -> list[Generated]:
    """Programs of experiments."""
    profile = replace(profile_for(release), experiments_in=1)
    made = [draw(random.Random(f"experiments/{number}"), profile).make() for number in range(EXPERIMENTS)]
    return [
        replace(each, case=replace(each.case, name=f"experiments {number}"))
        for number, each in enumerate(made)
    ]


def running(session: KernelSession) -> list[Generated]:
    """Valid ones that the kernel runs, for its own machine, and whose registers end as something."""
    hello = session.hello
    profile = replace(
        profile_for(hello.release, hello.architecture.machine, Knob.JIT in hello.knobs),
        near_misses_in=0,
        daring_in=0,
        unprivileged_in=0,
        inputs=2,
    )
    made = (draw(random.Random(f"foreign/{number}"), profile).make() for number in count())
    kinds = (ProgramType.SOCKET_FILTER, ProgramType.XDP, ProgramType.SCHED_CLS)
    few = islice(
        (each for each in made if each.case.program.type in kinds and _shows_registers(each)), RUNNING
    )
    return [
        replace(each, case=replace(each.case, name=f"running {number}")) for number, each in enumerate(few)
    ]


def _shows_registers(generated: Generated) -> bool:
    """Whether on every input the epilogue stores registers that are neither zero nor small."""
    outcomes = [run(generated.case, data, limit=STEP_LIMIT) for data in generated.case.inputs]
    return all(
        isinstance(each, Returned) and each.predictable and _words(each.maps[-1]) > 2 for each in outcomes
    )


def _words(contents: MapContents | None) -> int:
    """How many eight-byte words of a map's only value have something in both halves."""
    value = contents[0][1] if contents else b""
    return sum(any(value[at : at + 4]) and any(value[at + 4 : at + 8]) for at in range(0, len(value), 8))


SETS: dict[str, Callable[[str], list[Generated]]] = {"": chosen, "-experiments": experiments}
"""By what is added to the name of the kernel's file."""


def main(names: list[str]) -> None:
    for name in names:
        with KernelSession.open(fetch(name)) as session:
            if session.hello.architecture is DEFAULT:
                for suffix, cases in SETS.items():
                    record(session, suffix, cases(session.hello.release))
            else:
                name = f"{FOREIGN}/{session.hello.architecture.debian}-"
                record(session, "", running(session), name)


def record(session: KernelSession, suffix: str, cases: list[Generated], prefix: str = "") -> None:
    """One file."""
    release = session.hello.release
    answers = session.run_all(Job(made.case, Attempts.ALL.value) for made in cases)
    records = [
        Recorded(release, made, answer)
        for made, answer in zip(cases, answers, strict=True)
        if isinstance(answer, KernelAnswer)
        and all(len(loaded.log) < LONGEST_LOG for loaded in answer.attempts)
    ]
    path = DIRECTORY / f"{prefix}{release.split('-')[0].split('+')[0]}{suffix}.jsonl.xz"
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, records)
    print(path, len(records), "of", len(cases), path.stat().st_size, "bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
