"""Counts in English, the same in messages and reports."""

from __future__ import annotations


def amount(count: int, noun: str) -> str:
    """ "1 byte", "2 bytes", "1,024 bytes"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def in_bytes(count: int) -> str:
    """ "1 byte", "2 bytes"."""
    return amount(count, "byte")
