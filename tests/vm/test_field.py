"""Programs after refusals that users of other projects reported: what ``check`` says of them on three kernels.

``docs/field-programs.md`` names the report behind each.  All are asked in one run.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vm.saying import ACCEPT, REJECT, UNSUPPORTED, Capture, Checks, Said, agrees

FIELD = Path(__file__).parents[1] / "data" / "field"
pytestmark = [pytest.mark.vm]
BY_HAND = {"index-by-xor.json", "loop-over-list.json"}
"""Over which our solver, or our walk of a loop without end, spends all the time it has."""


def same(verdict: str) -> dict[str, str]:
    """One verdict of all."""
    return dict.fromkeys(("6.1", "6.12", "7.3"), verdict)


def since_6_12(before: str, verdict: str) -> dict[str, str]:
    """6.1 says otherwise."""
    return same(verdict) | {"6.1": before}


ROWS = (
    Said(
        "callback-counts.json",
        since_6_12(ACCEPT, REJECT),
        19,
        "an offset of at most 8 for 8 of the 16 bytes",
        register=0,
        reference="unsafe",
        findings=frozenset({("6.1", "soundness")}),
        known="callback-walked-once",
    ),
    Said("context-as-key.json", same(REJECT), 5, "fp", register=2, reference="unsafe"),
    Said("context-is-a-number.json", same(REJECT), 4, "a ctx", register=1, reference="unsafe"),
    Said(
        "context-other-family.json",
        same(REJECT),
        0,
        "a field that a cgroup_sock program may access so",
        register=1,
        reference="unsafe",
    ),
    Said("context-right-family.json", same(ACCEPT), reference="safe"),
    Said(
        "context-selected.json",
        same(REJECT),
        5,
        "the ctx pointer as it was given (offset 0)",
        register=1,
        reference="safe",
    ),
    Said(
        "context-stored-unprivileged.json",
        same(REJECT),
        9,
        "numbers from fp-8 to fp-1, or the privilege CAP_PERFMON",
        register=3,
        reference="safe",
    ),
    Said("context-stored.json", same(ACCEPT), reference="safe"),
    Said(
        "context-wide.json",
        same(REJECT),
        0,
        "a field that a sock_ops program may access so",
        register=1,
        reference="unsafe",
    ),
    Said(
        "function-falls-through.json",
        same(REJECT),
        needed="an exit or an unconditional jump at the function's end",
        reference="unknown",
    ),
    Said(
        "helper-not-here.json",
        same(REJECT),
        4,
        "a function that may be called from here",
        reference="unknown",
    ),
    Said(
        "helper-of-other-type.json",
        same(REJECT),
        4,
        "a helper that programs of this type may call",
        reference="safe",
    ),
    Said("iterator-index-checked.json", since_6_12(UNSUPPORTED, ACCEPT), reference="safe"),
    Said(
        "iterator-index.json",
        since_6_12(UNSUPPORTED, REJECT),
        14,
        "an upper bound: mask the offset",
        register=2,
        reference="safe",
        gaps=frozenset({"6.12", "7.3"}),
    ),
    Said("jump-out-of-range.s", same(REJECT), 1, "a target inside the same function", reference="unknown"),
    Said(
        "key-is-a-number.json",
        same(REJECT),
        8,
        "one of: fp, pkt, pkt_meta, map_key, map_value",
        register=2,
        reference="unsafe",
    ),
    Said("licence.json", same(REJECT), 4, "a licence compatible with the GPL", reference="safe"),
    Said("lock-helper.json", same(REJECT), 10, "the lock released before the call", reference="safe"),
    Said(
        "lock-kprobe.json", same(REJECT), needed="a program type that may use bpf_spin_lock", reference="safe"
    ),
    Said(
        "lock-without-btf.json",
        same(REJECT),
        9,
        "types of the map's value (BTF), with a bpf_spin_lock in it",
        register=1,
        reference="unsafe",
    ),
    Said(
        "loop-unprivileged.json",
        same(REJECT),
        2,
        "no jump back to 1: loops need the privilege CAP_BPF",
        reference="safe",
    ),
    Said("map-is-a-number.json", same(REJECT), 5, "a map_ptr", register=1, reference="unsafe"),
    Said("map-not-preallocated.json", same(ACCEPT), reference="safe"),
    Said(
        "map-of-other-use.json",
        same(REJECT),
        5,
        "a map of a type that bpf_map_lookup_elem#1 takes",
        reference="unknown",
    ),
    Said(
        "map-read-only.json",
        same(REJECT),
        8,
        "a map whose flags allow programs to write into it",
        register=0,
        reference="unsafe",
    ),
    Said("ornull-read-fixed.json", same(ACCEPT), reference="safe"),
    Said(
        "ornull-read-hash.json", same(REJECT), 7, "null excluded on this path", register=1, reference="unsafe"
    ),
    Said(
        "ornull-read.json",
        {"6.1": REJECT, "6.12": REJECT, "7.3": ACCEPT},
        7,
        "null excluded on this path",
        register=1,
        reference="safe",
    ),
    Said(
        "packet-after-tail-call.json",
        {"6.1": ACCEPT, "6.12": REJECT, "7.3": ACCEPT},
        9,
        "the packet pointer loaded and compared anew",
        register=6,
        reference="safe",
    ),
    Said("packet-end-moved.json", same(REJECT), 2, "the pkt_end as it is", register=3, reference="safe"),
    Said(
        "packet-shifted-too.json",
        same(REJECT),
        1,
        "64-bit addition or subtraction",
        register=9,
        reference="safe",
    ),
    Said("packet-shifted.json", same(REJECT), 2, "the pkt_end as it is", register=5, reference="safe"),
    Said(
        "packet-signed-length.json",
        same(REJECT),
        9,
        "an offset of at most 536870912 either way, the kernel's",
        register=2,
        reference="unsafe",
    ),
    Said(
        "packet-to-helper.json",
        same(REJECT),
        13,
        "memory that this helper may read",
        register=4,
        reference="safe",
    ),
    Said("packet-variable-fixed.json", same(ACCEPT), reference="safe"),
    Said(
        "packet-variable.json",
        same(REJECT),
        9,
        "a comparison with data_end on this path that proves 15",
        register=2,
        reference="unsafe",
    ),
    Said("pointer-from-map.json", same(REJECT), 8, "a pointer to memory", register=1, reference="unsafe"),
    Said(
        "pointer-masked.json", same(REJECT), 8, "64-bit addition or subtraction", register=1, reference="safe"
    ),
    Said(
        "pointers-compared-unprivileged.json",
        same(REJECT),
        2,
        "two numbers, or the privilege CAP_PERFMON",
        register=1,
        reference="safe",
    ),
    Said("record-given-back.json", same(ACCEPT), reference="safe"),
    Said(
        "record-not-given-back.json",
        same(REJECT),
        14,
        "what instruction 4 acquired (id 2) released on this path",
        reference="unsafe",
    ),
    Said(
        "record-overrun.json",
        same(REJECT),
        8,
        "an offset of at most 8 for 8 of the 16 bytes",
        register=6,
        reference="unsafe",
    ),
    Said(
        "register-unwritten.json",
        same(REJECT),
        3,
        "a value: none was put into it on this path",
        register=9,
        reference="unsafe",
    ),
    Said("return-123.json", same(REJECT), 1, "a value in [0", register=0, reference="safe"),
    Said(
        "return-by-exclusion.json",
        since_6_12(REJECT, ACCEPT),
        4,
        "a value in [0x0, 0x1]",
        register=0,
        reference="safe",
        gaps=frozenset({"6.1"}),
    ),
    Said("return-of-fentry.json", same(REJECT), 1, "a value in [0", register=0, reference="safe"),
    Said(
        "return-of-lsm.json",
        since_6_12(ACCEPT, REJECT),
        1,
        "a value in [-4095, 0]",
        register=0,
        reference="safe",
    ),
    Said("size-from-read.json", same(ACCEPT), reference="safe"),
    Said("size-masked.json", same(ACCEPT), reference="safe"),
    Said("size-may-be-zero.json", same(REJECT), 7, "a size of at least 1", register=4, reference="safe"),
    Said(
        "size-negative.json", same(REJECT), 14, "a size that is not negative", register=2, reference="unsafe"
    ),
    Said(
        "size-not-zero.json",
        since_6_12(REJECT, ACCEPT),
        8,
        "a size of at least 1",
        register=4,
        reference="safe",
        gaps=frozenset({"6.1"}),
    ),
    Said(
        "size-unbounded.json", same(REJECT), 11, "an upper bound of the size", register=2, reference="unsafe"
    ),
    Said(
        "stack-above-frame.s",
        same(REJECT),
        1,
        "an address in fp-512 to fp-1",
        register=10,
        reference="unsafe",
    ),
    Said(
        "stack-half-written.json",
        since_6_12(REJECT, ACCEPT),
        10,
        "the bytes from fp-64 to fp-1 written before",
        register=4,
        reference="safe",
        gaps=frozenset({"6.1"}),
    ),
    Said("stack-index-masked.json", same(ACCEPT), reference="safe"),
    Said(
        "stack-index-unmasked.json",
        same(REJECT),
        8,
        "bounds on the offset that keep all of the access in the",
        register=3,
        reference="unsafe",
    ),
    Said(
        "stack-misaligned.s",
        same(REJECT),
        1,
        "an offset that is a multiple of 8",
        register=10,
        reference="safe",
    ),
    Said(
        "stack-never-written.s",
        since_6_12(REJECT, ACCEPT),
        0,
        "the bytes from fp-8 to fp-1 written before",
        register=10,
        reference="safe",
        gaps=frozenset({"6.1"}),
    ),
    Said(
        "stack-two-calls-xdp.json",
        same(REJECT),
        needed="at most 512 bytes of stack in a chain of 2 calls",
        reference="safe",
    ),
    Said(
        "stack-two-calls.json",
        {"6.1": REJECT, "6.12": REJECT, "7.3": ACCEPT},
        needed="at most 512 bytes of stack in a chain of 2 calls",
        reference="safe",
    ),
    Said(
        "tail-call-under-stack.json",
        same(REJECT),
        needed="less than 256 bytes of stack in the functions that lead",
        reference="safe",
    ),
    Said(
        "tail-call-without-types.json",
        same(REJECT),
        needed="types of the program's functions (btf and func_info)",
        reference="safe",
    ),
    Said("task-is-a-number.json", same(REJECT), 6, "ptr_", register=2, reference="unknown"),
    Said("task-with-type.json", same(ACCEPT), reference="safe"),
    Said(
        "value-index-32-bit.json",
        same(REJECT),
        10,
        "an upper bound: mask the offset",
        register=0,
        reference="unsafe",
    ),
    Said(
        "value-index-copy.json",
        same(REJECT),
        15,
        "an offset of at most 128 for 8 of the 136 bytes",
        register=0,
        reference="safe",
        gaps=frozenset({"6.1", "6.12", "7.3"}),
    ),
    Said("value-index-fixed.json", same(ACCEPT), reference="safe"),
    Said(
        "value-index-one-too-far.json",
        same(REJECT),
        12,
        "an offset of at most 24 for 8 of the 32 bytes",
        register=0,
        reference="unsafe",
    ),
    Said(
        "value-index-unbounded.json",
        same(REJECT),
        10,
        "a lower bound within 536870912 of 0, the kernel's limit",
        register=1,
        reference="unsafe",
    ),
)
GROUPS = {"field": ROWS}
DONE: dict[str, tuple[dict[str, dict[str, object]], object]] = {}


@pytest.fixture
def checks(tmp_path: Path, capsys: Capture) -> Checks:
    return Checks(FIELD, GROUPS, tmp_path, lambda: capsys.readouterr().out, DONE, against=("6.1", "6.12"))


@pytest.mark.parametrize("row", ROWS, ids=[row.file for row in ROWS])
def test_check(checks: Checks, row: Said) -> None:
    agrees(checks.of("field")[0][row.file], row)


def test_the_only_thing_that_disagrees_is_known(checks: Checks) -> None:
    """The callback that 6.1 walks once."""
    assert checks.of("field")[1] == 0


def test_every_file_is_in_the_table() -> None:
    assert {path.name for path in FIELD.iterdir()} == {row.file for row in ROWS} | BY_HAND
