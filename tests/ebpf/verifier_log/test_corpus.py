"""Every line and every state of the logs of some 2,000 programs on three kernels is understood."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ebpf.verifier_log import Log, NotUnderstood, parse_log
from ebpf.verifier_log.events import Branch, CallEnter, CallReturn, Cut, StateLine, Visit
from tests.ebpf.verifier_log.conftest import SAMPLES, rows


def states(log: Log) -> Iterator[str]:
    for event in log.events:
        if isinstance(event, StateLine | Branch | Visit):
            if event.state is not None:
                yield event.state
        elif isinstance(event, CallEnter | CallReturn):
            yield from (event.caller, event.callee)


def check(kernel: str, text: str, level_1: bool = False) -> None:
    log = parse_log(text)
    if not any(log.of(Cut)):
        assert not log.unknown
        assert log.stats is not None
    texts = list(states(log))
    if texts and not any(log.of(Cut)):
        assert log.dialect.value == kernel or (level_1 and kernel == "7.3")
    for text_of_state in texts:
        state = log.read(text_of_state)
        assert not state.leftover, text_of_state
        values = [claim for _, claim in state.registers] + [slot.value for slot in state.slots]
        assert not any(isinstance(value, NotUnderstood) for value in values), text_of_state


@pytest.mark.shared
@pytest.mark.parametrize("level", ["log1", "log2"])
def test_the_corpus(corpus_logs: tuple[str, Path], level: str) -> None:
    kernel, path = corpus_logs
    read = 0
    for row in rows(path):
        if row.get(level):
            check(kernel, row[level], level == "log1")
            read += 1
    assert read > 2000


def test_our_own_samples() -> None:
    """tests/data/logs/README.md says how these came about."""
    for path in sorted(SAMPLES.glob("*.jsonl.xz")):
        for row in rows(path):
            check(row["kernel"], row["log"])
