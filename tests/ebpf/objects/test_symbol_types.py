"""Externs of .ksyms as the kernel takes them: variables of four bytes, functions global, every parameter with
a name."""

from __future__ import annotations

import pytest

from ebpf.btf import Btf, BtfBuilder, BtfKind
from ebpf.btf import types as t
from ebpf.btf.types import Linkage
from ebpf.objects.symbol_types import STAND_IN, with_symbols


def symbols(*, integer: bool) -> Btf:
    builder = BtfBuilder()
    number = builder.integer("int", 4, signed=True) if integer else builder.integer("long", 8)
    function = builder.function(
        "bpf_rcu_read_lock", builder.prototype(0, [("", number), ("given", number)]), Linkage.EXTERN
    )
    variable = builder.variable("runqueues", builder.struct("rq", 8, []), Linkage.EXTERN)
    builder.section(".ksyms", 0, [(function, 0, 0), (variable, 0, 8)])
    return Btf(builder.build())


@pytest.mark.parametrize("integer", [True, False])
def test_externs_become_variables(integer: bool) -> None:
    found = with_symbols(symbols(integer=integer))
    named = {each.name: each for each in found if each.name}
    section = named[".ksyms"]
    first, second = found.variables(section)
    assert section.size_or_type == 8
    assert [(each.offset, each.size) for each in (first, second)] == [(0, 4), (4, 4)]
    assert found.type(first.type).name == STAND_IN
    assert found.type(second.type).name == "runqueues"
    for each in (first, second):
        variable = found.type(each.type)
        assert variable.kind is BtfKind.VAR
        assert found.linkage(variable) == Linkage.GLOBAL
        assert found.size(variable.size_or_type) == 4


def test_functions_are_global_and_their_parameters_have_names() -> None:
    found = with_symbols(symbols(integer=True))
    function = next(each for each in found if each.name == "bpf_rcu_read_lock")
    prototype = found.type(function.size_or_type)
    names = [
        found.string(t.PARAM.unpack_from(found.raw, prototype.at + number * 8)[0]) for number in range(2)
    ]
    assert found.linkage(function) == Linkage.GLOBAL
    assert names == [STAND_IN, "given"]


def test_types_without_symbols_are_left_as_they_are() -> None:
    builder = BtfBuilder()
    builder.integer("int", 4)
    btf = Btf(builder.build())
    assert with_symbols(btf) is btf
