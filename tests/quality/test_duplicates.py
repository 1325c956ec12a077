"""What counts as one bug with one signature, without a kernel."""

from __future__ import annotations

from tests.quality.duplicates import Shown, pairs, shared, table


def test_pairs_are_of_one_kind() -> None:
    shown = [Shown("bounds", "bounds:umax:a", 3)] * 3 + [Shown("soundness", "soundness:b", 4)]
    assert pairs(shown) == (3, 3)
    assert pairs([*shown, Shown("bounds", "bounds:umin:a", 3)]) == (3, 6)
    assert pairs([]) == (0, 0)


def test_a_signature_of_two_bugs_is_named() -> None:
    one, two = [Shown("bounds", "bounds:umax:a", 3)], [Shown("bounds", "bounds:umax:b", 3)]
    assert list(shared({1: one, 3: two})) == []
    assert list(shared({1: one, 3: [*two, *one]})) == [("bounds:umax:a", (1, 3))]
    assert "`bounds:umax:a` is that of bugs 1, 3." in list(table({1: "x", 3: "y"}, {1: one, 3: [*two, *one]}))
