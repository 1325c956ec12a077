"""What the fuzzer of objects stands on; itself it needs atheris and half an hour."""

from __future__ import annotations

import random

import pytest

from generators.objects import well_formed
from tests.ebpf.objects import taking
from tests.quality.fuzz_objects import MEMORY_MIB, mutate, peak_mib

OBJECT = well_formed(7, [[1], [2]]).data


def test_an_object_is_changed_and_noise_is_left_to_libfuzzer() -> None:
    changed = {mutate(OBJECT, random.Random(seed)) for seed in range(20)}
    assert len(changed) > 10
    assert OBJECT not in changed
    assert mutate(b"noise", random.Random(1)) is None


def test_a_hungry_reader_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = peak_mib(OBJECT)
    monkeypatch.setattr(taking, "takes", lambda data: bytearray(b"x" * (300 << 20)))
    assert peak_mib(OBJECT) > max(before + 200, MEMORY_MIB)


def test_a_reader_that_dies_is_over_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(data: bytes) -> None:
        raise SystemExit(1)

    monkeypatch.setattr(taking, "takes", dies)
    assert peak_mib(OBJECT) > MEMORY_MIB
