"""Known issues: confirmed faults of kernels under test, so that a run reports them as known and not as
new."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from ebpf.errors import InputError

FILE = Path(__file__).parent / "known_issues.json"


class KnownIssue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``signatures`` and ``kernels`` (releases as ``uname -r`` prints them) are shell patterns.  ``public``:
    others may see it."""

    id: str
    signatures: tuple[str, ...]
    kernels: tuple[str, ...]
    cause: str
    public: bool
    reference: str = ""


def load(path: Path = FILE) -> tuple[KnownIssue, ...]:
    """All entries.  Raises :class:`InputError` naming the file and the place in it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[KnownIssue, ...])
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{path}: {error}") from None


def find(issues: tuple[KnownIssue, ...], signature: str, release: str) -> KnownIssue | None:
    """The first entry that explains ``signature`` on a kernel, or None."""
    for issue in issues:
        shown = any(fnmatchcase(signature, pattern) for pattern in issue.signatures)
        if shown and any(fnmatchcase(release, kernel) for kernel in issue.kernels):
            return issue
    return None
