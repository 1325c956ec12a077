"""Debian's order of package versions (deb-version(7)), as a sort key: apt is asked once for the list, then
nothing is spawned."""

from __future__ import annotations

import re

Part = tuple[tuple[int, ...], int]
_END: Part = ((0,), 0)


def version_key(version: str) -> tuple[int, list[Part], list[Part]]:
    """A key that sorts versions as dpkg does: epoch, upstream version, revision."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch), _parts(upstream), _parts(revision)


def _parts(text: str) -> list[Part]:
    """Alternating non-digits and numbers.  "~" sorts before the end, the end before letters, letters before
    the rest."""
    *pairs, _ = re.findall(r"(\D*)(\d*)", text)  # the last match is the empty one at the end
    parts = [((*map(_order, letters), 0), int(digits or 0)) for letters, digits in pairs]
    return [*(parts or [_END]), _END]  # no text counts as "0"


def _order(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
