"""Plain hex, an instruction a line, under a comment that says what else the case has: its type, maps and
inputs."""

from __future__ import annotations

import re

import msgspec

from ebpf import casefile
from ebpf.errors import InputError
from ebpf.program import Case

_COMMENT, _FRAME = "#", "# case: "


def hex_file(case: Case) -> bytes:
    """The file."""
    frame = casefile.to_plain(case)
    digits = frame["program"].pop("instructions")
    lines = [digits[at : at + 16] for at in range(0, len(digits), 16)]
    return "\n".join([_FRAME + msgspec.json.encode(frame).decode(), *lines, ""]).encode()


def without_comments(text: str) -> str:
    """The digits."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(_COMMENT))


def case_of(text: str, source: str) -> Case | None:
    """The case; None where no comment says more than the digits.  Raises :class:`InputError` naming
    ``source``."""
    frame = next((line for line in text.splitlines() if line.startswith(_FRAME)), None)
    if frame is None:
        return None
    try:
        plain = msgspec.json.decode(frame.removeprefix(_FRAME))
        plain["program"]["instructions"] = re.sub(r"\s+", "", without_comments(text))
    except (msgspec.DecodeError, KeyError, TypeError):
        raise InputError(f"{source}: the comment with the case is no case") from None
    return casefile.from_plain(plain, source)
