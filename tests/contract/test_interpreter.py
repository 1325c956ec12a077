"""The interpreter against the table; and the table against the instruction set."""

from __future__ import annotations

from collections import Counter

import pytest

from ebpf.isa.table import FORMS, IllegalInsn, form_of
from oracles.interpreter import Returned, Trapped, run
from oracles.interpreter.environment import Addresses
from oracles.interpreter.runs import STEP_LIMIT
from tests.contract import (
    arithmetic,
    contexts,
    control,
    deferred,
    exceptions,
    helpers,
    kernel_functions,
    kernel_pointers,
    local_objects,
    memory,
    resources,
)
from tests.contract.rows import Returns, Row

ROWS = (
    *arithmetic.ROWS,
    *memory.ROWS,
    *control.ROWS,
    *contexts.ROWS,
    *helpers.ROWS,
    *resources.ROWS,
    *kernel_functions.ROWS,
    *kernel_pointers.ROWS,
    *local_objects.ROWS,
    *deferred.ROWS,
    *exceptions.ROWS,
)

NO_OUTCOME = {
    "ld_btf_id": "an address of the kernel's own data",
    "ld_map_idx": "a case has no array of map descriptors",
    "ld_map_idx_value": "a case has no array of map descriptors",
}
"""Forms of which no outcome can be said."""


@pytest.mark.parametrize("addresses", list(Addresses), ids=lambda addresses: addresses.value)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_interpreter(row: Row, addresses: Addresses) -> None:
    case = row.case()
    outcome = run(case, case.inputs[0], addresses=addresses, limit=STEP_LIMIT)
    assert outcome.predictable
    if isinstance(row.expected, Returns):
        assert isinstance(outcome, Returned), outcome
        assert outcome.r0 == row.expected.r0
    else:
        assert isinstance(outcome, Trapped), outcome
        assert (outcome.rule.name, outcome.at) == (row.expected.rule.name, row.expected.at)


def test_every_form_has_a_row() -> None:
    seen: Counter[str] = Counter()
    for row in ROWS:
        instructions = row.case().program.instructions
        for at, insn in enumerate(instructions):
            if insn.opcode or not at:
                try:
                    seen[form_of(insn).name] += 1
                except IllegalInsn:
                    continue
    assert {form.name for form in FORMS} - seen.keys() == NO_OUTCOME.keys()


def test_names_are_names() -> None:
    assert [name for name, count in Counter(row.name for row in ROWS).items() if count > 1] == []
