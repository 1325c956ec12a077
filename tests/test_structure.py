"""How the modules hang together: no circle of imports, and no name that stands for two classes."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from itertools import count
from pathlib import Path

import grimp
import pytest

from conformance.properties.registry import PROPERTIES

ROOT = Path(__file__).parents[1]
PRODUCT = ("conformance", "ebpf", "generators", "oracles", "reports")


def circles(graph: Mapping[str, Set[str]]) -> Iterator[frozenset[str]]:
    """Strongly connected components of more than one node (Tarjan's algorithm, without recursion)."""
    numbers, found, lowest = count(), dict[str, int](), dict[str, int]()
    stack: list[str] = []
    for root in graph:
        waiting = [(root, iter(sorted(graph[root])))] if root not in found else []
        while waiting:
            node, following = waiting[-1]
            if node not in found:
                found[node] = lowest[node] = next(numbers)
                stack.append(node)
            for other in following:
                if other not in found:
                    waiting.append((other, iter(sorted(graph[other]))))
                    break
                if other in lowest:
                    lowest[node] = min(lowest[node], found[other])
            else:
                waiting.pop()
                component = _close(node, found[node], stack, lowest)
                if waiting and node in lowest:
                    above = waiting[-1][0]
                    lowest[above] = min(lowest[above], lowest[node])
                if len(component) > 1:
                    yield component


def _close(node: str, number: int, stack: list[str], lowest: dict[str, int]) -> frozenset[str]:
    """The component that ends at ``node``, off the stack; ``lowest`` knows the nodes still on it."""
    if lowest[node] != number:
        return frozenset()
    component = stack[stack.index(node) :]
    del stack[stack.index(node) :]
    for each in component:
        del lowest[each]
    return frozenset(component)


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ("ab bc", ""),
        ("ab ba", "ab"),
        ("ab bc ca cd", "abc"),
        ("ab bc cb ad de ea", "bc ade"),
        ("ab bc cd db be ec", "bcde"),
        ("aa ab", ""),
    ],
)
def test_circles_are_found(edges: str, expected: str) -> None:
    graph: dict[str, set[str]] = {node: set() for node in edges if node != " "}
    for source, target in map(tuple, edges.split()):
        graph[source].add(target)
    assert sorted(map(sorted, circles(graph))) == sorted(map(sorted, expected.split()))


def test_no_import_circles() -> None:
    """Imports for type checkers count: what knows each other's types is one module."""
    graph = grimp.build_graph(*PRODUCT, exclude_type_checking_imports=False, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert [sorted(circle) for circle in circles(imports)] == []


def test_no_class_name_is_defined_twice() -> None:
    places = defaultdict(list)
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_file_lies_loose_among_the_runners() -> None:
    assert [path.name for path in (ROOT / "conformance").glob("*.py")] == ["__init__.py"]


def sources(*outside: str) -> Iterator[tuple[str, str]]:
    """Every file of the product but those in some folders: its path and text."""
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if not name.startswith(outside):
                yield name, path.read_text()


def test_signatures_are_values() -> None:
    """Nobody takes the text of one apart."""
    apart = re.compile(r"signature\w*(?:\[[^]]*\])?\.(?:r?split|r?partition|endswith|startswith)\(")
    assert [name for name, text in sources() if apart.search(text)] == []


def test_only_the_registry_knows_one_property_from_another() -> None:
    """Everything else reads the columns of a row: a kind compared with a name is a column that is missing."""
    kinds = "|".join(PROPERTIES)
    compared = re.compile(rf'kind\s*(?:==|!=|is|in)\s*\(?"(?:{kinds})"|Kind\.(?:{kinds.upper()})')
    assert [name for name, text in sources("conformance/properties/") if compared.search(text)] == []
