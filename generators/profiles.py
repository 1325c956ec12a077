"""What a generator may use: the target's instruction groups, its privileges, and how large programs grow."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from ebpf.byte_order import ByteOrder
from ebpf.contexts.tracing import WITH_REGISTERS
from ebpf.machine import REFERENCE_MACHINE, TargetMachine
from generators.settings import SETTINGS, UNPRIVILEGED, Setting


@dataclass(frozen=True, slots=True)
class Profile:
    """``settings``: program types to choose from, each as often as its weight says.  Instruction forms that
    became known later than ``linux`` are not used.

    ``unprivileged_in``: one program in so many is made for loading without capabilities (0: none).
    ``near_misses_in``, ``daring_in``: likewise for programs that break a rule, and for programs whose safety
    nobody has established beforehand. ``experiments_in``: one in so many is a program of experiments (1: all,
    0: none).
    """

    linux: tuple[int, int] = (6, 12)
    settings: tuple[Setting, ...] = SETTINGS
    unprivileged_in: int = 4
    near_misses_in: int = 3
    daring_in: int = 4
    inputs: int = 5
    experiments_in: int = 0
    aims_in: int = 4
    """One privileged program in so many that breaks no rule gives every callee of its type a turn, and its
    type is drawn evenly; 0: none."""
    machine: TargetMachine = REFERENCE_MACHINE
    jit: bool = True
    """Whether the kernel has a JIT: without one it runs no program that calls a kernel function or a
    callback."""
    kernel_functions: bool = True
    """Whether programs may name what is the kernel's, name maps by index, and have arenas and tables of
    instructions: objects that we write hold nothing of all this."""
    _choices: dict[bool, tuple[Setting, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for privileged, offered in ((True, self.settings), (False, UNPRIVILEGED)):
            known = [each for each in offered if self.knows(each.since) and self._has_context(each)]
            self._choices[privileged] = tuple(each for each in known for _ in range(each.weight))

    @property
    def release(self) -> str:
        """The version, as tables take it."""
        return ".".join(map(str, self.linux))

    def choices(self, privileged: bool) -> tuple[Setting, ...]:
        """Settings by weight, simplest first."""
        return self._choices[privileged]

    def _has_context(self, setting: Setting) -> bool:
        return self.machine.registers_known or setting.type not in WITH_REGISTERS

    @property
    def byte_order(self) -> ByteOrder:
        """Of the target."""
        return self.machine.byte_order

    def kinds(self, privileged: bool) -> tuple[Setting, ...]:
        """Each setting once."""
        return tuple(dict.fromkeys(self._choices[privileged]))

    def knows(self, since: str) -> bool:
        """Whether the target has what came with Linux ``since`` ("6.6"); never for what no Linux has ("")."""
        return bool(since) and _version(since) <= self.linux


@cache
def _version(since: str) -> tuple[int, ...]:
    return tuple(int(part) for part in since.split(".")[:2])


def profile_for(release: str, machine: TargetMachine = REFERENCE_MACHINE, jit: bool = True) -> Profile:
    """The profile for a kernel release such as ``6.12.107+deb13-cloud-amd64`` on a machine; the default for a
    release it cannot read."""
    parts = release.split(".")
    try:
        linux = int(parts[0]), int("".join(c for c in parts[1] if c.isdigit()))
        return Profile(linux=linux, machine=machine, jit=jit, kernel_functions=jit)
    except (IndexError, ValueError):
        return Profile(machine=machine, jit=jit, kernel_functions=jit)
