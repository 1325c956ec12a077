"""By what a log's dialect is told: every sign alone, and what only looks like one."""

from __future__ import annotations

import pytest

from ebpf.verifier_log import LogDialect
from ebpf.verifier_log.dialect import detect

STATE = "0: R1=ctx() R10=fp0\n"


@pytest.mark.parametrize(
    ("log", "dialect"),
    [
        ("0: R1=ctx(off=0,imm=0) R2_w=invP(id=0) R10=fp0\n", LogDialect.LINUX_5_10),
        ("0: R2_w=inv(id=0,umax_value=3)\n", LogDialect.LINUX_5_10),
        ("0: R2_w=inv7\n", LogDialect.LINUX_5_10),
        ("0: R2_w=inv-7\n", LogDialect.LINUX_5_10),
        ("0: R2_w=pkt(id=0,umin_value=3)\n", LogDialect.LINUX_5_10),
        ("0: R2_w=pkt(id=0,umax_value=3)\n", LogDialect.LINUX_5_10),
        ("0: R1=ctx(off=0,imm=0) R10=fp0\n", LogDialect.LINUX_6_1),
        ("0: R1=map_value(id=1,off=0)\n", LogDialect.LINUX_6_1),
        (STATE + "last_idx 3 first_idx 0\n", LogDialect.LINUX_6_1),
        (STATE + "regs=4 stack=0 before 2: (bf) r1 = r6\n", LogDialect.LINUX_6_1),
        *(
            (f"0: R2_w=scalar({bound}=3)\n", LogDialect.LINUX_6_1)
            for bound in ("s32_min", "s32_max", "u32_min", "u32_max")
        ),
        (STATE, LogDialect.LINUX_6_12),
        ("", LogDialect.LINUX_6_12),
        *(
            (before + line, LogDialect.LINUX_7_3)
            for before in ("", STATE)
            for line in (
                "topo_order[0] = main\n",
                "Live regs before insn:\n",
                "stack depth max 0\n",
                "subprog 0 (main)\n",
            )
        ),
        # A sign in the middle of a line is somebody's name, and what shows an offset need not show 0.
        (STATE + "; last_idx 3\n", LogDialect.LINUX_6_12),
        (STATE + "; topo_order[0]\n", LogDialect.LINUX_6_12),
        (STATE + "1: R2=pkt(off=02)\n; subprog = 3\n", LogDialect.LINUX_6_12),
    ],
)
def test_the_dialect(log: str, dialect: LogDialect) -> None:
    assert detect(log) == dialect
