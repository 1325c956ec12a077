"""Lies: what a kernel with a fault might answer, made from what a right one did."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from dataclasses import replace

from conformance.kernel.jobs import KernelAnswer, Loaded, RunResult
from conformance.kernel.refusals import WALK

Lie = Callable[[KernelAnswer], KernelAnswer]
PROCESSED = (
    "processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n"
)
_STATS = re.compile(r"^processed .*\n", re.MULTILINE)


def accept(answer: KernelAnswer) -> KernelAnswer:
    """A refusal becomes an acceptance: the walk stays, the complaint goes; nothing was run."""

    def accepted(loaded: Loaded, at: int) -> Loaded:
        walk = [line for line in loaded.log.splitlines() if WALK.match(line) or not line]
        log = "\n".join([*walk, PROCESSED]) if loaded.log and at == 0 else ""
        return replace(loaded, errno=0, log=log, jited_length=0 if at == 1 else 64, verified=7)

    return replace(answer, attempts=tuple(accepted(loaded, at) for at, loaded in enumerate(answer.attempts)))


def attempt(number: int, change: Callable[[Loaded], Loaded]) -> Lie:
    """A lie about one attempt: 0 is the JIT (with the log), 1 the kernel's interpreter, 2 the hardened
    JIT."""

    def lie(answer: KernelAnswer) -> KernelAnswer:
        attempts = list(answer.attempts)
        attempts[number] = change(attempts[number])
        return replace(answer, attempts=tuple(attempts))

    return lie


def both(*lies: Lie) -> Lie:
    """One after the other."""

    def lie(answer: KernelAnswer) -> KernelAnswer:
        for each in lies:
            answer = each(answer)
        return answer

    return lie


def every_run(change: Callable[[RunResult], RunResult]) -> Callable[[Loaded], Loaded]:
    return lambda loaded: replace(loaded, runs=tuple(map(change, loaded.runs)))


def wrong_r0(run: RunResult) -> RunResult:
    return replace(run, retval=run.retval ^ 0x8000_0000)


def wrong_packet(run: RunResult) -> RunResult:
    return replace(run, packet=run.packet[:-1] + bytes([run.packet[-1] ^ 1]))


def wrong_map_byte(byte: int) -> Callable[[RunResult], RunResult]:
    """In the last map, which holds a register in each eight bytes."""

    def change(run: RunResult) -> RunResult:
        assert run.maps[-1]
        (key, value), *rest = run.maps[-1]
        changed = value[:byte] + bytes([value[byte] ^ 1]) + value[byte + 1 :]
        return replace(run, maps=(*run.maps[:-1], ((key, changed), *rest)))

    return change


def test_run_fails(run: RunResult) -> RunResult:
    return replace(run, errno=errno.ENOMEM)


test_run_fails.__test__ = False  # type: ignore[attr-defined]  # not one of pytest's


def log_line(change: Callable[[str], str]) -> Lie:
    """An edit of the log."""
    return attempt(0, lambda loaded: replace(loaded, log=change(loaded.log)))


def with_line(line: str) -> Lie:
    """``line`` before the statistics."""
    return log_line(lambda log: _STATS.sub(lambda found: line + "\n" + found[0], log))


def splat(text: str) -> Lie:
    return lambda answer: replace(answer, splats=(*answer.splats, text))


def refused(code: int, log: str = "", *, truncated: bool = False) -> Lie:
    """Every attempt fails with errno ``code``."""

    def change(loaded: Loaded) -> Loaded:
        return Loaded(code, log, log_truncated=truncated)

    return lambda answer: replace(answer, attempts=tuple(map(change, answer.attempts)))


def processed(count: int) -> Lie:
    """The kernel says how much it processed."""
    return attempt(
        0,
        lambda loaded: replace(
            loaded, verified=count, log=re.sub(r"processed \d+", f"processed {count}", loaded.log)
        ),
    )


def truncated_tail(answer: KernelAnswer) -> KernelAnswer:
    """The log's second half is missing, and the loader knows."""
    return attempt(
        0, lambda loaded: replace(loaded, log=loaded.log[: len(loaded.log) // 2], log_truncated=True)
    )(answer)


def truncated_head(answer: KernelAnswer) -> KernelAnswer:
    """The log's first half is missing (the kernel keeps the end), and the loader knows."""
    return attempt(
        0, lambda loaded: replace(loaded, log=loaded.log[len(loaded.log) // 2 :], log_truncated=True)
    )(answer)


def cut_at(end: int, told: bool) -> Lie:
    """Only the log's first ``end`` characters are there; ``told``: the loader knows."""
    return attempt(0, lambda loaded: replace(loaded, log=loaded.log[:end], log_truncated=told))


def no_log(answer: KernelAnswer) -> KernelAnswer:
    return attempt(0, lambda loaded: replace(loaded, log=""))(answer)
