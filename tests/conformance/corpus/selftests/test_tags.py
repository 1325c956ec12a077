"""Tags of test functions, as three generations of bpf_misc.h wrote them."""

from __future__ import annotations

import pytest

from conformance.corpus.selftests.messages import ExpectedMessage
from conformance.corpus.selftests.tags import Expected, ordered, read_tags, tagged
from ebpf.btf import Btf, BtfBuilder, BtfKind
from ebpf.btf import types as t
from ebpf.errors import InputError
from ebpf.program import LoadFlag


def test_tags_are_sorted_as_numbers() -> None:
    tags = [
        "comment:10:test_expect_msg=second",
        "comment:9:test_expect_msg=first",
        "comment:2:test_expect_failure",
        "unrelated",
    ]
    assert ordered(tags) == [
        ("test_expect_failure", ""),
        ("test_expect_msg", "first"),
        ("test_expect_msg", "second"),
    ]


def test_numbers_may_follow_the_name() -> None:
    tags = ["comment:test_expect_msg=11=b=c", "comment:test_expect_msg=2=a", "comment:test_retval=7"]
    assert ordered(tags) == [("test_retval", "7"), ("test_expect_msg", "a"), ("test_expect_msg", "b=c")]


def test_the_unprivileged_mode_takes_over_what_is_not_said() -> None:
    spec = read_tags(
        [
            "comment:1:test_description=a title",
            "comment:2:test_expect_success",
            "comment:3:test_retval=0x10",
            "comment:4:test_expect_failure_unpriv",
            "comment:5:test_expect_msg_unpriv=R1",
            "comment:6:test_caps_unpriv=12|39",
        ],
        "f",
    )
    assert spec.description == "a title"
    assert spec.privileged == Expected(True, (), 16)
    assert spec.unprivileged == Expected(False, (ExpectedMessage("R1"),), 16, ("CAP_NET_ADMIN", "CAP_BPF"))


def test_without_a_verdict_success_with_privilege_is_expected() -> None:
    spec = read_tags(["comment:test_log_level=2"], "f")
    assert (spec.privileged, spec.unprivileged, spec.log_level) == (Expected(), None, 2)


@pytest.mark.parametrize(("tag", "value"), [("_INT_MIN", -(1 << 31)), ("TEST_DATA_LEN", 64), ("-3", -3)])
def test_results_have_names(tag: str, value: int) -> None:
    spec = read_tags([f"comment:test_retval={tag}"], "f")
    assert spec.privileged == Expected(retval=value)


def test_flags_are_set_and_cleared() -> None:
    spec = read_tags(
        [
            "comment:1:test_prog_flags=BPF_F_ANY_ALIGNMENT",
            "comment:2:test_prog_flags=!BPF_F_TEST_REG_INVARIANTS",
        ],
        "f",
    )
    assert (spec.flags, spec.cleared) == (LoadFlag.ANY_ALIGNMENT, LoadFlag.TEST_REG_INVARIANTS)


def test_other_architectures_and_kernels_without_jit_are_skipped() -> None:
    assert "ARM64" in read_tags(["comment:1:test_arch=ARM64"], "f").skip
    assert not read_tags(["comment:1:test_arch=ARM64", "comment:2:test_arch=X86_64"], "f").skip
    assert "JIT" in read_tags(["comment:1:load_mode=no_jited"], "f").skip


def test_native_code_counts_for_its_architecture_only() -> None:
    tags = [
        "comment:1:test_arch=X86_64",
        "comment:2:test_jited=nop",
        "comment:3:test_arch=ARM64",
        "comment:4:test_jited=ret",
    ]
    spec = read_tags(tags, "f")
    assert spec.privileged == Expected(unread=("test_jited",))


def test_a_value_that_is_not_understood_names_function_and_tag() -> None:
    with pytest.raises(InputError, match=r"f: tag test_retval='many'"):
        read_tags(["comment:test_retval=many"], "f")


def test_only_tags_of_the_function_itself_are_read() -> None:
    builder = BtfBuilder()
    function = builder.function("f", builder.prototype(builder.integer("int", 4)))
    raw = bytearray(builder.build())
    strings = {
        text: builder.string(text) for text in ("comment:test_expect_failure", "comment:test_log_level=2")
    }
    for text, component in (("comment:test_expect_failure", 0xFFFFFFFF), ("comment:test_log_level=2", 0)):
        builder._types.append(
            t.TYPE.pack(strings[text], BtfKind.DECL_TAG << 24, function) + t.WORD.pack(component)
        )
    raw = bytearray(builder.build())
    found = tagged(Btf(bytes(raw)))
    assert found["f"].privileged == Expected(success=False)
    assert found["f"].log_level == 0
