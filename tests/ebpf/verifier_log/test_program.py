"""Programs rebuilt from logs: those of real kernels give the programs they are of."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.assembly import Assembled, parse
from ebpf.casefile import from_plain
from ebpf.errors import InputError
from ebpf.verifier_log.program import is_log, program_of
from tests.ebpf.verifier_log.conftest import SAMPLES, rows

PASTED = """0: R1=ctx() R10=fp0
; int prog(struct __sk_buff *skb) @ a.c:3
0: (b7) r1 = 0                        ; R1_w=0
1: (63) *(u32 *)(r10 -4) = r1         ; R1_w=0 R10=fp0 fp-8=0000????
2: (18) r2 = 0x1122334455667788       ; R2_w=0x1122334455667788
4: (15) if r1 == 0x0 goto pc+1        ; R1_w=0
6: (85) call bpf_iter_num_new#77123   ; R0_w=scalar() fp-8=iter_num(ref_id=1,state=active,depth=0)
7: (95) exit

from 4 to 5: R1_w=0
5: (b7) r0 = 7
processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
"""


def test_a_pasted_log_is_a_program() -> None:
    lines = [
        *("r1 = 0", "*(u32 *)(r10 -4) = r1", "r2 = 0x1122334455667788", "if r1 == 0x0 goto pc+1", "r0 = 7"),
        *("call kfunc#0+0", "exit"),
    ]
    assert is_log(PASTED)
    assert program_of(PASTED) == Assembled(parse(lines), ((6, "bpf_iter_num_new"),))


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("processed 0 insns (limit 1000000)\n", "shows no instruction: it needs log level 2"),
        (PASTED.replace("5: (b7)", "8: (b7)"), "does not show instruction 5"),
        (PASTED.replace("(b7) r1 = 0 ", "(18) r1 = 0xffff888012345678 "), "instruction 0: .* whose address"),
        ("0: (18) r1 = 0x0 ; R1_w=map_ptr(ks=4,vs=8)\n", "instruction 0: .* whose address"),
        ("0: (b7) r1 = 07\n", r"instruction 0: .*07 is not a number"),
        ("0: (b4) r1 = 7\n", "instruction 0: .* that is opcode 0xb7"),
    ],
)
def test_what_a_log_does_not_say_is_named(log: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        program_of(log)


def test_a_listing_is_no_log() -> None:
    assert not is_log("0: (b7) r0 = 0\n1: (95) exit\n")
    assert not is_log("r0 = 0\nexit\n")


def test_the_logs_of_real_kernels() -> None:
    rebuilt = 0
    for path in sorted(SAMPLES.glob("*.jsonl.xz")):
        for row in rows(path):
            program = from_plain(row["case"]).program
            with suppress(InputError):
                found = program_of(row["log"])
                assert is_log(row["log"])
                if not found.kfuncs and "goto pc+0" not in row["log"]:
                    assert found.instructions == program.instructions[: len(found.instructions)]
                    rebuilt += 1
    assert rebuilt > 20


@given(
    st.text()
    | st.lists(st.sampled_from([*PASTED.splitlines(True), "(18) ", "0: ", "\n"]), max_size=9).map("".join)
)
def test_no_text_raises_anything_but_an_input_error(log: str) -> None:
    is_log(log)
    with suppress(InputError):
        program_of(log)
