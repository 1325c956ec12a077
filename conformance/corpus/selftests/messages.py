"""Expected log messages: substrings and regular expressions in order
(tools/testing/selftests/bpf/test_loader.c, Linux 7.3: compile_regex, match_positive_msgs,
match_negative_msgs)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ebpf.errors import InputError

_CLASSES = {
    "[:digit:]": "0-9", "[:xdigit:]": "0-9A-Fa-f", "[:alpha:]": "A-Za-z", "[:alnum:]": "0-9A-Za-z",
    "[:space:]": r"\s",
    "[:upper:]": "A-Z", "[:lower:]": "a-z",
}  # fmt: skip
"""POSIX bracket classes, which Python's expressions lack."""


@dataclass(frozen=True, slots=True)
class ExpectedMessage:
    """``pattern`` as the tag has it, with expressions between ``{{`` and ``}}``; ``whole``: all of it is one
    (``__regex``, before Linux 6.12); ``absent``: it must not be there."""

    pattern: str
    absent: bool = False
    whole: bool = False

    def compiled(self) -> re.Pattern[str]:
        """Raises :class:`InputError` for an expression without end or that is none."""
        text = _posix(self.pattern) if self.whole else "".join(self._parts())
        try:
            return re.compile(text, re.MULTILINE)
        except re.error as error:
            raise InputError(f"message {self.pattern!r}: {error}") from None

    def _parts(self) -> Iterator[str]:
        rest = self.pattern
        while rest:
            verbatim, opened, rest = rest.partition("{{")
            yield re.escape(verbatim)
            if opened:
                expression, closed, rest = rest.partition("}}")
                if not closed:
                    raise InputError(f"message {self.pattern!r}: '{{{{' without '}}}}'")
                yield _posix(expression)


def _posix(expression: str) -> str:
    for name, members in _CLASSES.items():
        expression = expression.replace(name, members)
    return expression


def unmet(messages: tuple[ExpectedMessage, ...], log: str) -> ExpectedMessage | None:
    """The first message that ``log`` does not bear out; None when all is as expected.

    Each one is looked for after the one before it; an absent one between its neighbours.
    """
    places: list[tuple[int, int] | None] = []
    at = 0
    for message in messages:
        found = None if message.absent else message.compiled().search(log, at)
        places.append(found.span() if found else None)
        at = found.end() if found else at
    start = 0
    for number, message in enumerate(messages):
        place = places[number]
        if not message.absent:
            if place is None:
                return message
            start = place[1]
            continue
        following = next(
            (places[after] for after in range(number, len(messages)) if not messages[after].absent), None
        )
        if message.compiled().search(log, start, following[0] if following else len(log)):
            return message
    return None
