"""Kernel functions that read strings: from any address at all, where what is not there gives an error
(kernel/bpf/helpers.c: bpf_strcmp and those that follow; Linux 6.18)."""

from __future__ import annotations

from ebpf.kfuncs.hooks import Hook
from ebpf.kfuncs.prototype import KernelArg, KernelArgKind, KernelFunction

_S, _N = KernelArg(KernelArgKind.IGNORED), KernelArg(KernelArgKind.NUMBER)
_ARGUMENTS: dict[str, tuple[KernelArg, ...]] = {
    "strcmp": (_S, _S), "strcasecmp": (_S, _S), "strchr": (_S, _N), "strchrnul": (_S, _N),
    "strnchr": (_S, _N, _N), "strrchr": (_S, _N), "strlen": (_S,), "strnlen": (_S, _N), "strspn": (_S, _S),
    "strcspn": (_S, _S), "strstr": (_S, _S), "strnstr": (_S, _S, _N),
}  # fmt: skip
_LATER: dict[str, tuple[KernelArg, ...]] = {
    "strncasecmp": (_S, _S, _N), "strcasestr": (_S, _S), "strncasestr": (_S, _S, _N),
}  # fmt: skip


def _row(name: str, args: tuple[KernelArg, ...], since: str) -> KernelFunction:
    return KernelFunction(f"bpf_{name}", args, Hook.COMMON, since)


ROWS = (
    *(_row(name, args, "6.18") for name, args in _ARGUMENTS.items()),
    *(_row(name, args, "7.1") for name, args in _LATER.items()),
)
