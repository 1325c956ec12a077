"""Values as three kernels print them, read back."""

from __future__ import annotations

import pytest
from hypothesis import assume, given

from ebpf.domains import ScalarRange, Tnum
from ebpf.domains.limits import S64_MIN, U64_MAX
from ebpf.verifier_log import LogDialect, NotUnderstood, PointerClaim, ScalarClaim, StackObject
from ebpf.verifier_log.claims import Claim
from ebpf.verifier_log.values import parse_value
from tests.ebpf.domains.as_linux_6_1 import print_6_1
from tests.ebpf.domains.test_domains import VALUES, ranges

OLD, MIDDLE, NEW = LogDialect.LINUX_6_1, LogDialect.LINUX_6_12, LogDialect.LINUX_7_3


def scalar(text: str, dialect: LogDialect) -> ScalarRange:
    claim = parse_value(text, dialect)
    assert isinstance(claim, ScalarClaim), claim
    return claim.range


def pointer(text: str, dialect: LogDialect) -> PointerClaim:
    claim = parse_value(text, dialect)
    assert isinstance(claim, PointerClaim), claim
    return claim


@given(ranges())
def test_what_a_modern_kernel_prints_reads_back_the_same(printed: ScalarRange) -> None:
    read = scalar(str(printed), MIDDLE)
    if printed.tnum.is_constant:
        assert read == ScalarRange.constant(printed.tnum.value)
    else:
        assert read == printed


@given(ranges(), VALUES)
def test_what_6_1_prints_is_never_read_stronger(printed: ScalarRange, value: int) -> None:
    assume(not printed.tnum.is_constant)
    if printed.contains(value):
        assert scalar(print_6_1(printed), OLD).contains(value)


@pytest.mark.parametrize("dialect", [OLD, MIDDLE, NEW])
@pytest.mark.parametrize(
    ("text", "value", "precise"),
    [
        ("0", 0, False),
        ("P1", 1, True),
        ("-559038737", 0xFFFFFFFFDEADBEEF, False),
        ("0xffffffffdeadbeef", 0xFFFFFFFFDEADBEEF, False),
        ("P-1", U64_MAX, True),
    ],
)
def test_constants(text: str, value: int, precise: bool, dialect: LogDialect) -> None:
    assert parse_value(text, dialect) == ScalarClaim(ScalarRange.constant(value), precise)


def test_signed_32_bit_bounds_in_hex_are_not_sign_extended() -> None:
    assert scalar("scalar(smin32=0xfffffffe)", MIDDLE).smin32 == -2
    assert scalar("scalar(smin=smin32=0x80000005)", NEW).smin == 0x80000005
    assert scalar("scalar(smin=smin32=0x80000005)", NEW).smin32 == 0x80000005 - (1 << 32)


def test_chains_share_a_value() -> None:
    read = scalar("scalar(smin=smin32=0,smax=umax=smax32=umax32=40,var_off=(0x0; 0x3f))", MIDDLE)
    assert read == ScalarRange(0, 40, 0, 40, 0, 40, 0, 40, Tnum(0, 0x3F))


def test_6_1_recovers_only_what_is_implied() -> None:
    read = scalar("scalar(umax=40,var_off=(0x0; 0x3f))", OLD)
    assert (read.smin, read.smax, read.umax32, read.smax32) == (0, 40, 40, 40)
    # Omitted may mean equal to umin or extreme here: the weaker reading.
    weak = scalar("scalar(umin=1,umax=18446744069414584321,s32_min=1,s32_max=1,u32_max=1)", OLD)
    assert (weak.smin, weak.smax) == (S64_MIN, -S64_MIN - 1)
    assert scalar("scalar(u32_min=-2147483648,u32_max=-2)", OLD).umin32 == 1 << 31
    assert scalar("scalar(u32_max=-2)", OLD).umax32 == 0xFFFFFFFE


def test_6_1_takes_nothing_for_32_bits_from_a_64_bit_range_beyond_them() -> None:
    read = scalar("scalar(smin=-1099511627776,smax=5)", OLD)
    assert read.contains(U64_MAX - (1 << 35) + 7), "its low half is 6, above smax"


def test_newer_kernels_omit_only_extremes() -> None:
    assert scalar("scalar(umax=40)", MIDDLE).smin == S64_MIN


def test_linked_scalars() -> None:
    assert parse_value("scalar(id=1+8)", MIDDLE) == ScalarClaim(ScalarRange.unknown(), id=1, delta=8)
    assert parse_value("scalar(id=1-4)", NEW) == ScalarClaim(ScalarRange.unknown(), id=1, delta=-4)


def test_pointer_offsets_add_up_alike_in_every_dialect() -> None:
    old = pointer("pkt(off=8,r=0,imm=0)", OLD)
    middle = pointer("pkt(off=8,r=8)", MIDDLE)
    new = pointer("pkt(r=8,imm=8)", NEW)
    assert (old.fixed_offset, middle.fixed_offset, new.fixed_offset) == (8, 8, 8)
    assert old.variable_offset == middle.variable_offset == new.variable_offset == ScalarRange.constant(0)
    assert (old.range, middle.range) == (0, 8)
    variable = pointer(
        "pkt(id=2,off=20,r=20,smin=smin32=0,smax=umax=smax32=umax32=40,var_off=(0x0; 0x3f))", MIDDLE
    )
    assert (variable.fixed_offset, variable.variable_offset.umax, variable.id) == (20, 40, 2)
    folded = pointer(
        "pkt(id=2,r=60,smin=umin=20,smax=umax=60,smin32=0,smax32=umax32=127,var_off=(0x0; 0x7f))", NEW
    )
    assert (folded.fixed_offset, folded.variable_offset.umin, folded.variable_offset.umax) == (0, 20, 60)


def test_imm_is_hex_without_prefix_in_6_1() -> None:
    assert pointer("pkt(off=0,r=0,imm=10)", OLD).fixed_offset == 16
    assert pointer("pkt(r=0,imm=10)", NEW).fixed_offset == 10


@pytest.mark.parametrize("text", ["r=-1", "r=0xffffffffffffffff"])
def test_packet_range_markers(text: str) -> None:
    assert pointer(f"pkt({text})", MIDDLE).range == -1


def test_maps_references_and_other_attributes() -> None:
    value = pointer("map_value_or_null(id=1,map=m0,ks=4,vs=48)", MIDDLE)
    assert (value.map, value.key_size, value.value_size, value.nullable) == ("m0", 4, 48, True)
    assert pointer("sock_or_null(id=2,ref_obj_id=2,off=0,imm=0)", OLD).reference == 2
    assert pointer("trusted_ptr_or_null_sock(id=2)", NEW).type == "trusted_ptr_or_null_sock"
    assert pointer("ptr_node_data(ref_obj_id=2,non_own_ref)", MIDDLE).attributes == (("non_own_ref", ""),)
    assert pointer("dynptr_ptr(type=local)", MIDDLE).attributes == (("type", "local"),)
    assert pointer("rdonly_mem(sz=8)", MIDDLE).size == 8
    assert pointer("arena", NEW).variable_offset.is_unknown


def test_stack_pointers() -> None:
    assert pointer("fp-16", MIDDLE).fixed_offset == -16
    assert pointer("fp[1]-8", MIDDLE).frame == 1
    assert pointer("fp-8", OLD).frame is None
    assert pointer("fp-8", MIDDLE).frame is None
    assert pointer("fp0x1fffffff", MIDDLE).fixed_offset == 0x1FFFFFFF
    assert pointer("fp(off=-8,smin=smin32=0,smax=umax=4)", MIDDLE).variable_offset.umax == 4


def test_objects_on_the_stack() -> None:
    assert parse_value("iter_num(ref_id=1,state=active,depth=0)", MIDDLE) == StackObject(
        "iter_num", (("ref_id", "1"), ("state", "active"), ("depth", "0"))
    )


@pytest.mark.parametrize(
    "text",
    ["scalar(umix=4)", "wibble(off=0)", "inv5", "scalar(umax=forty)", "", "scalar(var_off=(0x1; 0x1))"],
)
def test_what_is_strange_is_no_claim(text: str) -> None:
    claim: Claim = parse_value(text, MIDDLE)
    assert isinstance(claim, NotUnderstood)
