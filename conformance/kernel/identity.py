"""What makes two kernels the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class KernelIdentity:
    """A kernel under test: boot arguments can change what it is as much as its image does."""

    name: str
    """What the user calls its image."""
    boot_args: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} ({' '.join(self.boot_args)})" if self.boot_args else self.name
