"""Text that ends up in C: comments, strings, bytes."""

from __future__ import annotations

from reports.text import one_line


def comment(text: str) -> str:
    """Text that cannot end the comment it stands in."""
    return one_line(text).replace("*/", "* /").replace("/*", "/ *").replace("\\", "\\ ")


def string(text: str) -> str:
    """A C string literal."""
    quoted = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}" for byte in text.encode()
    )
    return f'"{quoted}"'


def byte_list(data: bytes, indent: int = 1) -> str:
    """The inside of an initializer, twelve bytes a line."""
    lines = [", ".join(f"0x{byte:02x}" for byte in data[at : at + 12]) for at in range(0, len(data), 12)]
    return (",\n" + "\t" * indent).join(lines)
