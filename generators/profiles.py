"""What a generator may use: the target's instruction groups, its privileges, and how large programs grow."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.program_types import ProgramType


@dataclass(frozen=True, slots=True)
class Profile:
    """``forms_since``: instruction forms that became known later than this Linux version are not used.

    ``types``: program types to choose from.  ``unprivileged_in``: one program in so many is made for loading without capabilities
    (0: none).  ``near_misses_in``, ``daring_in``: likewise for programs that break a rule, and for programs whose safety nobody has
    established beforehand.  ``experiments_in``: one in so many is a program of experiments (1: all, 0: none).
    """

    linux: tuple[int, int] = (6, 12)
    types: tuple[ProgramType, ...] = (ProgramType.SOCKET_FILTER, ProgramType.XDP)
    unprivileged_in: int = 4
    near_misses_in: int = 5
    daring_in: int = 9
    inputs: int = 5
    experiments_in: int = 0

    def knows(self, since: str) -> bool:
        """Whether the target has what came with Linux ``since`` ("6.6"); never for what no Linux has ("")."""
        return bool(since) and tuple(int(part) for part in since.split(".")[:2]) <= self.linux


def profile_for(release: str) -> Profile:
    """The profile for a kernel release such as ``6.12.107+deb13-cloud-amd64``; the default for a release it cannot read."""
    parts = release.split(".")
    try:
        return Profile(linux=(int(parts[0]), int("".join(c for c in parts[1] if c.isdigit()))))
    except (IndexError, ValueError):
        return Profile()
