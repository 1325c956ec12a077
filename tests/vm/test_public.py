"""Programs of the kind that people bring, from public reports: what every command must say of them.

A table: file, kernels and what each says, and what must be said beside that.  One run of ``check`` asks all of a
group.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from tests.vm.conftest import SHARED
from tests.vm.saying import ACCEPT, REJECT, UNSUPPORTED, Capture, Checks, Said, agrees, prepared

PUBLIC = SHARED / "public"
pytestmark = [
    pytest.mark.vm,
    pytest.mark.shared,
    pytest.mark.skipif(not PUBLIC.exists(), reason="needs the development data in ../shared/public"),
]
ALL = ("6.1", "6.12", "7.1", "7.3")


def same(verdict: str, kernels: tuple[str, ...] = ALL) -> dict[str, str]:
    """One verdict of all."""
    return dict.fromkeys(kernels, verdict)


STALE = "the packet pointer loaded and compared anew"
GROUPS: dict[str, tuple[Said, ...]] = {
    "everywhere": (
        Said("far-packet.json", same(REJECT), 11, "MAX_PACKET_OFF", "packet-offset-limit", reference="safe"),
        Said(
            "moved-ctx.json", {"6.1": REJECT, "6.12": REJECT, "7.1": ACCEPT, "7.3": ACCEPT}, 3, "16 was added"
        ),
        Said("ornull-arith.json", same(REJECT), 6, "null excluded"),
        Said("stack-edge.s", same(REJECT), 0, "8 bytes below the stack", "fp-520", reference="unsafe"),
        Said("lock.json", same(ACCEPT), reference="safe"),
        Said("syscall-not-sleepable.json", same(REJECT)),
        Said("sleepable-kprobe.json", same(ACCEPT)),
        Said("stale-packet.json", same(REJECT), 9, STALE, "stale-packet-pointer", reference="unsafe"),
        Said("fmodret.json", {"6.1": REJECT, "6.12": ACCEPT, "7.1": ACCEPT, "7.3": ACCEPT}),
        Said("alu32-linked.json", same(REJECT), 12, "a lower bound", reference="safe", gaps=frozenset(ALL)),
        Said("arena.json", same(ACCEPT) | {"6.1": UNSUPPORTED}),
        # From 7.1 on its form is refused before the walk, at no instruction that is named.
        Said("cast.s", same(REJECT)),
        Said("objdump.s", same(ACCEPT)),
        Said("pasted.log", same(ACCEPT)),
        Said(
            "precision-ldabs-width.json",
            same(REJECT) | {"6.1": UNSUPPORTED},
            gaps=frozenset({"6.12", "7.1", "7.3"}),
        ),
        Said(
            "precision-le32.json",
            {"6.1": UNSUPPORTED, "6.12": REJECT, "7.1": ACCEPT, "7.3": ACCEPT},
            gaps=frozenset({"6.12"}),
        ),
        Said("precision-one-byte-twice.json", same(REJECT) | {"6.1": ACCEPT}),
        Said("precision-xor-self-32.json", same(REJECT), gaps=frozenset(ALL)),
        Said("precision-xor-self-64.json", same(REJECT), gaps=frozenset(ALL)),
        Said("reserved-field-dead-code.json", {"6.1": ACCEPT, "6.12": ACCEPT, "7.1": REJECT, "7.3": REJECT}),
        Said(
            "7.2-dead-branch.json",
            same(ACCEPT) | {"7.3": REJECT},
            14,
            "it may be 128",
            reference="safe",
            findings=frozenset({("7.3", "precision")}),
            known="signed-arc-of-bits",
        ),
    ),
    "objects": (
        Said("core-missing.c", same(REJECT, ("6.12", "7.3")), 3, text="struct kernfs_node.id_that_was"),
        Said("fentry.c", same(ACCEPT, ("6.12", "7.3"))),
        Said("iter-num.c", same(ACCEPT, ("6.12", "7.3"))),
    ),
    "resizes": (
        Said(
            "global-resizes-packet.c",
            {"5.10": ACCEPT, "6.1": ACCEPT, "6.12": REJECT, "7.3": REJECT},
            7,
            STALE,
            findings=frozenset({("5.10", "soundness"), ("6.1", "soundness")}),
        ),
    ),
    "long": (Said("jumps-8193.json", {"6.1": REJECT}, 7, "8,192 (BPF_COMPLEXITY_LIMIT_JMP_SEQ)"),),
}
ROWS = [(group, row) for group, rows in GROUPS.items() for row in rows]


DONE: dict[str, tuple[dict[str, dict[str, Any]], object]] = {}


@pytest.fixture
def checks(tmp_path: Path, capsys: Capture) -> Checks:
    return Checks(PUBLIC, GROUPS, tmp_path, lambda: capsys.readouterr().out, DONE)


@pytest.mark.parametrize(("group", "row"), ROWS, ids=[row.file for _, row in ROWS])
def test_check(checks: Checks, group: str, row: Said) -> None:
    agrees(checks.of(group)[0][row.file], row)


@pytest.mark.parametrize("group", GROUPS)
def test_the_status_of_check(checks: Checks, group: str) -> None:
    expected = any(row.findings and row.known is None for row in GROUPS[group])
    assert checks.of(group)[1] == int(expected)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("one-mul.hex", "unsupported: at instruction 0: off not allowed with opcode 0x2f"),
        ("far-call.hex", "unsupported: at instruction 0: goes on at instruction 2147483648 of 2"),
        ("odd-store.hex", "unsupported: at instruction 0: 4 bytes at "),
        ("unset-r0.hex", "unsupported: at instruction 1: R0 was never written"),
    ],
)
def test_the_plugin_counts_the_users_instructions(
    file: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO((PUBLIC / file).read_text()))
    with pytest.raises(SystemExit) as ended:
        main(["plugin", "interpreter"])
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(said)


def test_libbpf_and_our_reader_agree_about_kernel_functions(tmp_path: Path, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["libbpf", "--json", "--kernel=debian:6.12", str(prepared(PUBLIC / "iter-num.c", tmp_path))])
    old, new = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert ended.value.code == 0, (old, new)
    assert "refused" in old["ours"]
    assert "refused" in old["theirs"]
    assert not new["disagreements"]


def test_the_corpus_command_names_the_field_that_is_not_there(tmp_path: Path, capsys: Capture) -> None:
    prepared(PUBLIC / "core-missing.c", tmp_path)
    with pytest.raises(SystemExit):
        main(["corpus", str(tmp_path), "--kernel=debian:6.12"])
    assert (
        "invalid func unknown#195896080 (not in the kernel's types: struct kernfs_node.id_that_was)"
        in capsys.readouterr().out
    )
