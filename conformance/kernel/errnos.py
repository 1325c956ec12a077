"""Names of the errors that bpf(2) returns."""

from __future__ import annotations

import errno

ENOTSUPP = 524  # include/linux/errno.h: internal to the kernel, and yet what bpf(2) returns
_NAMES: dict[int, str] = {**errno.errorcode, ENOTSUPP: "ENOTSUPP", errno.EOPNOTSUPP: "EOPNOTSUPP"}
"""The C library's ENOTSUP is EOPNOTSUPP's number, which the kernel has no second name for."""


def errno_name(code: int) -> str:
    """As the kernel calls it; the number where it has no name.  ``code`` is positive."""
    return _NAMES.get(code, str(code))
