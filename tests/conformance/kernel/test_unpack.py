"""Modules come out of their packages in the order they must be loaded."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from conformance.kernel.unpack import collect_modules, depends, modules_needed
from ebpf.errors import InfrastructureError

BUILT_IN = "CONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_CONSOLE=y\n"
MODULES = "CONFIG_VIRTIO_PCI=m\nCONFIG_VIRTIO_CONSOLE=m\n"


def module(*names: str) -> bytes:
    return b"\x7fELF...\0license=GPL\0depends=" + ",".join(names).encode() + b"\0name=x\0"


def test_depends_of_a_module() -> None:
    assert depends(module("virtio", "virtio-ring")) == ["virtio", "virtio_ring"]
    assert depends(module()) == []
    assert depends(b"no modinfo") == []


def test_built_in_drivers_need_no_module() -> None:
    assert modules_needed(BUILT_IN) == []
    assert modules_needed(MODULES) == ["virtio_pci", "virtio_console"]


def test_dependencies_come_first_and_uncompressed(tmp_path: Path) -> None:
    tree = tmp_path / "lib/modules/5.10/kernel/drivers"
    tree.mkdir(parents=True)
    (tree / "virtio_console.ko.xz").write_bytes(lzma.compress(module("virtio_ring", "virtio")))
    (tree / "virtio-ring.ko").write_bytes(module("virtio"))
    (tree / "virtio.ko").write_bytes(module())
    paths = collect_modules(["virtio_console"], tmp_path / "lib", tmp_path / "out")
    assert [path.name for path in paths] == ["00-virtio.ko", "01-virtio_ring.ko", "02-virtio_console.ko"]
    assert paths[2].read_bytes() == module("virtio_ring", "virtio")


def test_a_missing_module_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="no module virtio_pci"):
        collect_modules(["virtio_pci"], tmp_path, tmp_path / "out")
