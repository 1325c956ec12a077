"""Refusals in logs as kernels wrote them."""

from __future__ import annotations

import pytest

from conformance.kernel.refusals import KernelRefusal, find_alarm, find_refusal
from ebpf.rules import Phase

END = "verification time 402 usec\nstack depth 8\nprocessed 10 insns (limit 1000000) max_states_per_insn 0\n"
NEVER_WALKED = END.replace("10 insns", "0 insns")
REPORT = (
    "\nVerification failed: Memory Safety: Access outside bounds\n\nReason:\n  The verifier cannot prove "
    "it.\n\nAt:\n  insn 10\n"
    "       | ^-- error: access may be outside object bounds\n  Instruction context:\n        8 | (57) r1 "
    "&= -4\n"
    "  >>>  10 | (0f) r0 += r1\n\nSuggestion:\n  Check it.\n\n"
)
END_7_3 = "verification time 99 usec\nstack depth max 8\nsubprog 0 (main) main insns_self 6 insns_total 6\nprocessed 10 insns (l\n"
WALK = "9: (67) r1 <<= 2                      ; R1_w=Pscalar(umax=1008,var_off=(0x0; 0x3f0))\n10: (0f) r0 += r1\n"
LINES = "invalid access to map value, value_size=48 off=1008 size=1\nR0 max value is outside of the allowed memory range\n"
LAST = "R0 max value is outside of the allowed memory range"


@pytest.mark.parametrize(
    ("log", "refusal"),
    [
        ("", None),
        (END, None),
        (WALK + END, None),
        (WALK + LINES + END, KernelRefusal(LAST, Phase.WALK, 10)),
        (
            WALK + LINES + REPORT + END_7_3,
            KernelRefusal(LAST, Phase.WALK, 10, "Memory Safety: Access outside bounds"),
        ),
        # 7.3 fenced a speculative path off and went on: the report is not about what came last
        (
            WALK + LINES + REPORT + "11: (95) exit\nR0 !read_ok\n" + END_7_3,
            KernelRefusal("R0 !read_ok", Phase.WALK, 11),
        ),
        ("unreachable insn 6\n" + NEVER_WALKED, KernelRefusal("unreachable insn 6", Phase.CFG, 6)),
        ("unknown opcode 8d\n" + NEVER_WALKED, KernelRefusal("unknown opcode 8d", Phase.LOAD)),
        ("tail_call abusing map_ptr\n" + END, KernelRefusal("tail_call abusing map_ptr", Phase.FIXUP)),
        ("something new after the walk\n" + END, KernelRefusal("something new after the walk", Phase.FIXUP)),
        (
            WALK + "infinite loop detected at insn 3\ncur state: R0=0\nold state: R0=P0 R10=fp0\n" + END,
            KernelRefusal("infinite loop detected at insn 3", Phase.WALK, 3),
        ),
        (
            WALK + "spilled ptr; ptr off: -16" + END,
            KernelRefusal("spilled ptr; ptr off: -16", Phase.WALK, 10),
        ),
        # 6.1 ends no line before it
        (
            "3: (15) if r0 == 0x0 goto pc-3 infinite loop detected at insn 1\n" + END,
            KernelRefusal("infinite loop detected at insn 1", Phase.WALK, 1),
        ),
    ],
)
def test_the_refusing_line(log: str, refusal: KernelRefusal | None) -> None:
    assert find_refusal(log) == refusal


def test_only_the_end_of_a_long_log_is_read() -> None:
    assert find_refusal(WALK * 200_000 + LINES + END) == KernelRefusal(LAST, Phase.WALK, 10)


def test_the_kernel_accusing_itself() -> None:
    assert find_alarm(WALK + "verifier bug: REG INVARIANTS VIOLATION (true_reg1)\n" + END) == (
        "verifier bug: REG INVARIANTS VIOLATION (true_reg1)"
    )
    assert find_alarm(WALK + END) is None
