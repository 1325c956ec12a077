"""A production never edits the state by hand: what an instruction leaves is said once, in the transfer module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import generators

ROOT = Path(generators.__file__).parent
TRANSFER = ROOT / "transfer"
STATE = {"registers", "slots", "pinned", "held", "reachable", "frame"}
CHANGES = {"pop", "popitem", "clear", "update", "setdefault", "add", "discard", "remove", "append"}
MODULES = sorted(path for path in ROOT.rglob("*.py") if TRANSFER not in path.parents)


def edits(tree: ast.AST) -> Iterator[ast.AST]:
    """What assigns to a part of a state, deletes from it, or calls a method that changes it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES
        ):
            targets = [node.func.value] if _part(node.func.value) else []
        else:
            continue
        yield from (target for target in targets if _part(target))


def _part(node: ast.AST) -> bool:
    """Whether it is ``x.registers``, ``x.registers[..]`` and the like."""
    if isinstance(node, ast.Subscript):
        return _part(node.value)
    if isinstance(node, ast.Tuple):
        return any(_part(each) for each in node.elts)
    return isinstance(node, ast.Attribute) and node.attr in STATE and isinstance(node.ctx, ast.expr_context)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_transfer_module_edits_the_state(path: Path) -> None:
    found = [f"line {node.lineno}: {ast.unparse(node)}" for node in edits(ast.parse(path.read_text()))]  # type: ignore[attr-defined]
    assert found == []


def test_productions_and_near_misses_assign_no_state() -> None:
    for folder in ("productions", "near_misses"):
        for path in (ROOT / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                assert not (
                    isinstance(node, ast.Attribute)
                    and node.attr == "state"
                    and isinstance(node.ctx, ast.Store)
                )


def test_the_transfer_module_does() -> None:
    assert any(list(edits(ast.parse(path.read_text()))) for path in TRANSFER.glob("*.py"))


@pytest.mark.parametrize(
    "line",
    [
        "b.state.registers[0] = x",
        "b.state.slots[s] = x",
        "del b.state.registers[r]",
        "b.state.registers.pop(0)",
        "b.state.pinned |= {1}",
        "state.registers = {}",
        "a, b.state.held = x",
        "s.slots.clear()",
    ],
)
def test_an_edit_is_seen(line: str) -> None:
    assert list(edits(ast.parse(line)))


def test_reading_is_no_edit() -> None:
    assert not list(
        edits(ast.parse("x = b.state.registers.get(0)\ny = b.state.slots[3]\nregisters.append(2)"))
    )
