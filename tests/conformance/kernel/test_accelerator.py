"""KVM is believed only after a boot, and only until a boot fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.kernel import accelerator as module
from conformance.kernel.image import Image
from conformance.kernel.qemu import Accelerator

IMAGE = Image("k", "6.12", Path("/k"))


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("os.access", lambda path, mode: True)
    module._accelerator.cache_clear()


@pytest.mark.parametrize("boots", [True, False])
def test_a_trial_boot_decides_once(boots: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    trials: list[Image] = []

    def trial(image: Image) -> bool:
        trials.append(image)
        return boots

    monkeypatch.setattr(module, "_boots_with_kvm", trial)
    for _ in range(2):
        assert module.accelerator(IMAGE) is (Accelerator.KVM if boots else Accelerator.TCG)
        module._accelerator.cache_clear()
    assert trials == [IMAGE]


def test_without_the_device_there_is_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert module.accelerator(IMAGE) is Accelerator.TCG


def test_a_failed_boot_ends_the_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_boots_with_kvm", lambda image: True)
    assert module.accelerator(IMAGE) is Accelerator.KVM
    module.distrust_kvm()
    assert module.accelerator(IMAGE) is Accelerator.TCG
