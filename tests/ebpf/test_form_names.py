"""How signatures name an instruction."""

from __future__ import annotations

import pytest

from ebpf.isa.build import R0, call, call_local, mov64
from ebpf.isa.insn import Insn
from ebpf.signature import form_name


@pytest.mark.parametrize(
    ("insn", "name"),
    [
        (mov64(R0, 1), "mov64_k"),
        (call("loop"), "call_helper(bpf_loop)"),
        (call(9999), "call_helper"),
        (call_local(), "call_local"),
        (Insn(0xFF), "illegal"),
    ],
)
def test_a_culprit_is_named_by_its_form_and_by_the_helper_it_calls(insn: Insn, name: str) -> None:
    assert form_name(insn) == name
