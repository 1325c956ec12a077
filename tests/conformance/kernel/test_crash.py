"""Where a kernel went down."""

from __future__ import annotations

import pytest

from conformance.kernel.crash import crash_site

X86 = """[   19.902778] BUG: kernel NULL pointer dereference, address: 0000000000000014
[   19.926213] RIP: 0010:check_kfunc_args+0x10fb/0x3350
[   19.945611] Call Trace:
[   19.958921]  check_kfunc_call+0x134/0x1ac0
[   20.008833] RIP: 0010:check_kfunc_args+0x10fb/0x3350
[   20.100000] Kernel panic - not syncing: Fatal exception
"""
WARNED = """[   10.0] WARNING: CPU: 0 PID: 1 at kernel/bpf/verifier.c:2719 reg_bounds_sanity_check+0x1a0/0x1d0
[   10.0] RIP: 0010:reg_bounds_sanity_check+0x1a0/0x1d0
"""


@pytest.mark.parametrize(
    ("console", "site"),
    [
        (X86, "check_kfunc_args"),
        (WARNED + X86, "check_kfunc_args"),
        (X86.replace("check_kfunc_args", "check_kfunc_args.isra.0"), "check_kfunc_args"),
        (X86.replace("check_kfunc_args", "bpf_prog_6deef7357e7b4530_f1"), "program"),
        (
            "Unable to handle kernel paging request\npc : bpf_check+0x10/0x20\nlr : bpf_prog_load+0x1/0x2",
            "bpf_check",
        ),
        ("Oops [#1]\nepc : bpf_check+0x10/0x20\n ra : bpf_prog_load+0x1/0x2", "bpf_check"),
        ("Oops: Kernel access\nNIP [c000000000331234] bpf_check+0x10/0x20", "bpf_check"),
        ("Oops: 0004\nKrnl PSW : 0704c00180000000 000000000033aa12 (bpf_check+0x12/0x98)", "bpf_check"),
        ("Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009", ""),
        ("", ""),
    ],
)
def test_the_place_is_that_of_what_it_did_not_survive(console: str, site: str) -> None:
    assert crash_site(console) == site
