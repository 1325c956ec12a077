"""Where a source file can be changed so that it means something else: one small change each, found with
:mod:`ast`."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """``mutation`` in words; ``line`` is the first line's text, stripped; ``text`` the whole file after the
    change."""

    path: str
    number: int
    line: str
    mutation: str
    text: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from others, whatever line numbers become."""
        return self.path, self.line, self.mutation


def signatures(trees: Sequence[ast.Module]) -> dict[str, list[str]]:
    """The annotations of the positional parameters of every function whose name is used once."""
    found: dict[str, list[str]] = {}
    twice: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                types = [ast.unparse(arg.annotation) if arg.annotation else "self" for arg in node.args.args]
                if found.setdefault(node.name, types) != types:
                    twice.add(node.name)
    return {name: types[types[:1] == ["self"] :] for name, types in found.items() if name not in twice}


def mutants(path: str, source: str, parameters: dict[str, list[str]]) -> list[Mutant]:
    """Every change to ``source`` that still parses."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    whole = source.encode()
    made = []
    for node, new, mutation in _changes(ast.parse(source), parameters):
        start, end = (
            starts[node.lineno - 1] + node.col_offset,
            starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0),
        )
        text = (whole[:start] + new.encode() + whole[end:]).decode()
        made.append(Mutant(path, node.lineno, lines[node.lineno - 1].strip(), mutation, text))
    return made


Change = tuple[ast.expr | ast.stmt, str, str]


def _changes(tree: ast.AST, parameters: dict[str, list[str]]) -> Iterator[Change]:
    """Depth first, leaving out what does not run or only speaks: annotations, decorators, imports, text,
    ``__slots__``."""
    if isinstance(tree, ast.expr):
        yield from _expression(tree, parameters)
    elif isinstance(tree, ast.stmt):
        yield from _statement(tree)
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "decorator_list") or isinstance(
            tree, ast.JoinedStr | ast.Import | ast.ImportFrom
        ):
            continue
        if isinstance(tree, ast.Assign) and (_names(tree) == ["__slots__"] or _is_type(tree.value)):
            continue
        if (
            isinstance(tree, ast.Call)
            and field == "args"
            and ast.unparse(tree.func) in ("isinstance", "cast")
        ):
            value = value[:1]  # the rest are types
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _changes(child, parameters)


def _names(node: ast.Assign) -> list[str]:
    return [ast.unparse(target) for target in node.targets]


def _is_type(node: ast.expr) -> bool:
    """A union of classes, which at run time is only a name."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _is_type(node.left) and _is_type(node.right)
    text = ast.unparse(node)
    if text in ("True", "False"):
        return False
    return text in ("None", "int") or (text.isidentifier() and text[0].isupper() and not text.isupper())


def _expression(node: ast.expr, parameters: dict[str, list[str]]) -> Iterator[Change]:
    match node:
        case ast.Compare():
            for at, old in enumerate(node.ops):
                op = COMPARISONS[type(old)]()
                yield (
                    node,
                    _with(node, "ops", [*node.ops[:at], op, *node.ops[at + 1 :]]),
                    f"{_name(old)} becomes {_name(op)}",
                )
        case ast.BinOp(op=old) if type(old) in OPERATORS and not _speaks(node):
            other = OPERATORS[type(old)]()
            yield node, _with(node, "op", other), f"{_name(old)} becomes {_name(other)}"
        case ast.BoolOp(op=ast.And()):
            yield node, _with(node, "op", ast.Or()), "and becomes or"
        case ast.BoolOp():
            yield node, _with(node, "op", ast.And()), "or becomes and"
        case ast.Constant(value=bool(value)):
            yield node, str(not value), f"{value} becomes {not value}"
        case ast.Constant(value=int(value)):
            yield node, str(value + 1), f"{value} becomes {value + 1}"
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert() as sign):
            yield node, f"({ast.unparse(node.operand)})", f"{_name(sign)} dropped"
        case ast.IfExp(test=test):
            yield node, _with(node, "test", ast.UnaryOp(ast.Not(), test)), "negated"
        case ast.Call(func=function, args=args):
            types = parameters.get(ast.unparse(function).split(".")[-1], [])
            for at in range(min(len(args), len(types)) - 1):
                first, second = args[at : at + 2]
                if (
                    types[at] == types[at + 1]
                    and ast.dump(first) != ast.dump(second)
                    and "str" not in types[at]
                ):
                    swapped = _with(node, "args", [*args[:at], second, first, *args[at + 2 :]])
                    yield node, swapped, f"arguments {at + 1} and {at + 2} swapped"


def _statement(node: ast.stmt) -> Iterator[Change]:
    match node:
        case ast.If(test=test) | ast.While(test=test) if ast.unparse(test) != "TYPE_CHECKING":
            yield test, f"(not ({ast.unparse(test)}))", "negated"
        case ast.Expr(value=ast.Constant()):
            return
        case (
            ast.Expr()
            | ast.AugAssign()
            | ast.Raise()
            | ast.Assign(targets=[ast.Attribute() | ast.Subscript()])
            | ast.Delete()
        ):
            yield node, "pass", "dropped"
        case ast.Continue() | ast.Break():
            yield node, "pass", "dropped"


def _speaks(node: ast.BinOp) -> bool:
    """Whether the operation joins text, or types."""
    return _is_type(node) or any(
        isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant) and isinstance(part.value, str))
        for part in (node.left, node.right)
    )


def _with(node: ast.expr, field: str, value: object) -> str:
    changed = copy.copy(node)
    setattr(changed, field, value)
    return f"({ast.unparse(changed)})"


def _name(node: ast.AST) -> str:
    return type(node).__name__
