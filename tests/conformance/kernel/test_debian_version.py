"""Our order of versions is dpkg's."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.kernel.debian_version import version_key

VERSIONS = st.from_regex(r"([0-3]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,4})?", fullmatch=True)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("6.1.9-1", "6.1.10-1"),
        ("6.12.107-1~deb12u1", "6.12.107-1"),
        ("6.12.95-1~bpo12+1", "6.12.107-1"),
        ("6.12.90-1", "6.12.90-2"),
        ("6.18.15-1~bpo13+1", "7.0.4-1~bpo13+1"),
        ("0-0~", "0"),
        ("1~", "1"),
        ("1", "1.0"),
    ],
)
def test_newer_sorts_later(older: str, newer: str) -> None:
    assert version_key(older) < version_key(newer)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="no dpkg to compare with")
@settings(max_examples=100, deadline=None)
@given(VERSIONS, VERSIONS)
def test_agrees_with_dpkg(left: str, right: str) -> None:
    relation = (
        "lt"
        if version_key(left) < version_key(right)
        else "gt"
        if version_key(left) > version_key(right)
        else "eq"
    )
    assert subprocess.run(["dpkg", "--compare-versions", left, relation, right], check=False).returncode == 0
