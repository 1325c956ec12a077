"""Numbers and bytes as people read them, the same in every report."""

from __future__ import annotations

from datetime import datetime


def number(value: float) -> str:
    """With thousands apart: 24,813; a fraction keeps one digit."""
    return f"{value:,}" if isinstance(value, int) or not value.is_integer() else f"{int(value):,}"


def percent(part: int, whole: int) -> str:
    """ "93.6 %"; a dash when there is no whole.  Never rounded up to 100 nor down to 0."""
    if not whole:
        return "–"
    value = 100 * part / whole
    if part not in (0, whole):
        value = min(max(value, 0.1), 99.9)
    return f"{value:.1f} %"


def duration(seconds: float) -> str:
    """ "10 min 1 s"."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    parts = [(hours, "h"), (minutes, "min"), (whole % 60, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or f"{seconds:.1f} s"


def moment(iso: str) -> str:
    """ "2026-11-22 14:50:00 UTC" from ISO 8601; whatever is not that comes back as it is."""
    try:
        return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M:%S %Z").strip()
    except ValueError:
        return iso


def hexdump(data: bytes) -> str:
    """Sixteen bytes a line with offset and printable characters, as hexdump -C; repeated lines as "*"."""
    lines: list[str] = []
    previous = None
    for at in range(0, len(data), 16):
        chunk = data[at : at + 16]
        if chunk == previous and at + 16 < len(data):
            if lines[-1] != "*":
                lines.append("*")
            continue
        previous = chunk
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in chunk)
        lines.append(f"{at:04x}  {chunk[:8].hex(' '):<23}  {chunk[8:].hex(' '):<23}  |{text}|")
    return "\n".join(lines)


def shortened(path: str, width: int) -> str:
    """A long path without its middle: its end tells it from others."""
    if len(path) <= width:
        return path
    end = min(max(len(path.rpartition("/")[2]) + 1, width // 2), width - 1)
    return f"{path[: width - 1 - end]}…{path[-end:]}"


def one_line(text: str) -> str:
    """White space and control characters folded to single spaces."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
