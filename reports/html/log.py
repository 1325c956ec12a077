"""A kernel's log as a page shows it: a line an anchor, which leads to the instruction that it is about."""

from __future__ import annotations

import re
from collections.abc import Container

from markupsafe import Markup, escape

_VISIT = re.compile(r"(\d+): \(")
"""How a line begins on which the verifier is at an instruction (kernel/bpf/verifier.c: do_check)."""
MAX_ANCHORS = 5_000
"""Lines beyond are plain: a page is to open at once."""


def anchored(log: str, slots: Container[int]) -> Markup:
    """The log's lines, the instruction numbers of ``slots`` as links."""
    lines = log.split("\n")
    shown = [_line(number, text, slots) for number, text in enumerate(lines[:MAX_ANCHORS], 1)]
    return Markup("\n").join([*shown, *map(escape, lines[MAX_ANCHORS:])])


def _line(number: int, text: str, slots: Container[int]) -> Markup:
    visit = _VISIT.match(text)
    if visit is None or int(visit[1]) not in slots:
        return Markup('<span id="log-{}">{}</span>').format(number, text)
    at, rest = visit[1], text[len(visit[1]) :]
    return Markup('<span id="log-{}"><a href="#insn-{}">{}</a>{}</span>').format(number, at, at, rest)


def last_visits(log: str) -> dict[int, int]:
    """By slot, the last line (from 1) on which the verifier is there; of those that have an anchor."""
    found = {}
    for number, text in enumerate(log.split("\n")[:MAX_ANCHORS], 1):
        visit = _VISIT.match(text)
        if visit is not None:
            found[int(visit[1])] = number
    return found
