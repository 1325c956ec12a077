"""The import contracts of pyproject.toml hold: layers point down only, and the oracles stay independent."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter import api, cli

CHECKOUT = Path(__file__).parent.parent


def test_the_contracts_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CHECKOUT)
    assert cli.lint_imports(cache_dir=None, no_cache=True) == 0


def test_the_layers_are_the_contract() -> None:
    layers, *_ = api.read_configuration(str(CHECKOUT / "pyproject.toml"))["contracts_options"]
    assert layers["layers"] == ["conformance", "generators | oracles | reports", "ebpf"]
