"""Known issues: confirmed faults of kernels under test, so that a run reports them as known and not as
new."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

import msgspec

from ebpf.errors import InputError

FILE = Path(__file__).parent / "known_issues.json"


class Evidence(Protocol):
    """What can be learnt of a disagreement beside its signature."""

    @property
    def log(self) -> str:
        """What the kernel logged of the program."""

    def is_gone_on(self, kernel: str) -> bool:
        """Whether a kernel, by name, is known not to show it."""


@dataclass(frozen=True, slots=True)
class NoEvidence:
    """Nothing is known, and nobody can be asked."""

    log: str = ""

    def is_gone_on(self, kernel: str) -> bool:
        """Never known."""
        return False


NO_EVIDENCE = NoEvidence()


class KnownIssue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry: which disagreements it explains, and why.

    ``log`` and ``gone_on`` make a wide signature safe: they let nothing pass as known that is another bug of
    the same signature.
    """

    id: str
    signatures: tuple[str, ...]
    """Shell patterns."""
    kernels: tuple[str, ...]
    """Shell patterns of releases, as ``uname -r`` prints them."""
    cause: str
    public: bool
    """Whether others may see it."""
    reference: str = ""
    log: str = "*"
    """A shell pattern that the kernel's log of the program must match."""
    log_without: str = ""
    """A shell pattern that it must not match."""
    gone_on: str = ""
    """A kernel with the fix, by name, which is asked and must not show the disagreement; empty: none is."""
    finding: str = ""
    """A finding.json that shows it, from the directory of the entry's file: replayed where a run did not see
    it."""

    @property
    def needs_evidence(self) -> bool:
        """Whether signature and kernel alone do not tell."""
        return bool(self.gone_on) or self.log != "*" or bool(self.log_without)

    def explains(self, signature: str, release: str, evidence: Evidence) -> bool:
        """Whether a disagreement on a kernel is this issue."""
        return (
            any(fnmatchcase(signature, pattern) for pattern in self.signatures)
            and self.is_about(release)
            and fnmatchcase(evidence.log, self.log)
            and not (self.log_without and fnmatchcase(evidence.log, self.log_without))
            and (not self.gone_on or evidence.is_gone_on(self.gone_on))
        )

    def is_about(self, release: str) -> bool:
        """Whether it is an issue of that kernel."""
        return any(fnmatchcase(release, kernel) for kernel in self.kernels)


def load_local(path: Path) -> tuple[KnownIssue, ...]:
    """A user's own entries, their findings found from anywhere.  Raises as :func:`load` does."""
    home = path.absolute().parent
    return tuple(
        msgspec.structs.replace(issue, finding=str(home / issue.finding)) if issue.finding else issue
        for issue in load(path)
    )


def load(path: Path = FILE) -> tuple[KnownIssue, ...]:
    """All entries.  Raises :class:`InputError` naming the file and the place in it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[KnownIssue, ...])
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{path}: {error}") from None


def find(
    issues: Iterable[KnownIssue], signature: str, release: str, evidence: Evidence = NO_EVIDENCE
) -> KnownIssue | None:
    """The first entry that explains ``signature`` on a kernel, or None."""
    return next((issue for issue in issues if issue.explains(signature, release, evidence)), None)
