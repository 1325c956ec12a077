"""Execution against recorded answers of kernels of other architectures: silent where they are right, and it
fires where a register's upper half, its byte order or its sign extension was falsified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign import known
from conformance.kernel.jobs import Jit, RunResult
from conformance.properties import execution
from conformance.properties.judgement import Agreement, Disagreement
from ebpf.byte_order import ByteOrder
from tests.lying import lies
from tests.lying.asking import observe
from tests.lying.recorded import DIRECTORY, FOREIGN, Recorded, load

FILES = sorted((DIRECTORY / FOREIGN).glob("*.jsonl.xz"))
NAMES = [path.name.partition("-")[0] for path in FILES]
U32, U64 = (1 << 32) - 1, (1 << 64) - 1


def upper_half(number: int) -> int:
    return number ^ (0xA5 << 40)


def byte_order(number: int) -> int:
    return int.from_bytes(number.to_bytes(8, "little"), "big")


def sign_extension(number: int) -> int:
    """Of the low half: done where it was not, or not where it was."""
    low = number & U32
    extended = low | (U64 ^ U32 if low >> 31 else 0)
    return low if number == extended else extended


FALSIFIED = (upper_half, byte_order, sign_extension)


def in_the_output(change: Callable[[int], int], order: ByteOrder) -> Callable[[RunResult], RunResult]:
    """Each register of the last map, changed."""

    def falsify(run: RunResult) -> RunResult:
        ((key, value),) = run.maps[-1] or ()
        words = [order.number(value[at : at + 8]) for at in range(0, len(value), 8)]
        changed = b"".join(order.bytes(change(word) & U64, 8) for word in words)
        return replace(run, maps=(*run.maps[:-1], ((key, changed),)))

    return falsify


def judged(record: Recorded, lie: lies.Lie | None = None) -> list[object]:
    answer = lie(record.answer) if lie else record.answer
    return list(execution.judge(observe(record.generated, answer, record.release)))


def engine_of(record: Recorded) -> int:
    """The attempt to lie about: the JIT's, or the interpreter's where the kernel has none."""
    return 0 if record.answer.attempts[0].jited_length else 1


def runs(record: Recorded) -> bool:
    loaded = record.answer.attempts[engine_of(record)]
    return not loaded.errno and any(isinstance(each, Agreement) for each in judged(record))


def test_every_architecture_is_recorded() -> None:
    assert NAMES == ["arm64", "ppc64el", "riscv64", "s390x"]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_kernel_that_is_right_is_not_accused(path: Path) -> None:
    issues, agreed = known.load(), 0
    for record in load(path):
        for judgement in judged(record):
            agreed += isinstance(judgement, Agreement)
            if isinstance(judgement, Disagreement):
                assert known.find(issues, str(judgement.signature), record.release), judgement.statement
    assert agreed > 12


@pytest.mark.parametrize("change", FALSIFIED, ids=lambda change: change.__name__)
@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_execution_fires(path: Path, change: Callable[[int], int]) -> None:
    """On every program whose registers that changes, and it names the engine that lied."""
    accused = 0
    for record in filter(runs, load(path)):
        at = engine_of(record)
        order = record.generated.case.program.byte_order
        lie = lies.attempt(at, lies.every_run(in_the_output(change, order)))
        if lie(record.answer) == record.answer:
            continue  # it left before it did anything: all is zero
        engine = execution.ENGINES[Jit.ON if at == 0 else Jit.OFF]
        found = [each for each in judged(record, lie) if isinstance(each, Disagreement)]
        assert any(engine in each.statement for each in found), record.name
        accused += 1
    assert accused > 5
