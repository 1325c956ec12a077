"""Which structure of the kernel's may be given for which."""

from __future__ import annotations

import pytest

from ebpf.kfuncs.objects import is_a


@pytest.mark.parametrize(
    ("given", "wanted", "fits"),
    [
        ("tcp6_sock", "tcp6_sock", True),
        ("tcp6_sock", "sock_common", True),
        ("sock_common", "tcp6_sock", False),
        ("task_struct", "thread_info", True),
        ("task_struct", "cgroup", False),
        ("css_set", "cgroup", None),
        # Empty where CONFIG_MPTCP is not set: only that kernel's BTF tells.
        ("mptcp_sock", "mptcp_sock", True),
        ("mptcp_sock", "sock_common", None),
        ("mptcp_sock", "cgroup", False),
    ],
)
def test_is_a(given: str, wanted: str, fits: bool | None) -> None:
    assert is_a(given, wanted) is fits
