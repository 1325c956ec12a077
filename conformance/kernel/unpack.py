"""From kernel packages to the few files a virtual machine needs: vmlinuz, config, and the modules of a
virtio-serial port."""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
from pathlib import Path

from conformance.kernel.apt import no_space, run
from ebpf.errors import InfrastructureError

WANTED_MODULES = (("CONFIG_VIRTIO_PCI", "virtio_pci"), ("CONFIG_VIRTIO_CONSOLE", "virtio_console"))
"""What the agent's channel needs, with the option that says whether it is built in."""


def unpack(package: Path, directory: Path) -> None:
    """Unpacks a .deb.  Raises :class:`InfrastructureError`, or InputError when the disk is full."""
    answer = run(["dpkg-deb", "-x", package, directory])
    if answer.returncode:
        if "No space left" in answer.stderr:
            raise no_space(directory, "the disk is full")
        raise InfrastructureError(
            f"{package}: dpkg-deb cannot unpack it: {answer.stderr.strip().splitlines()[-1:]}"
        )


def modules_needed(config: str) -> list[str]:
    """The wanted modules that this configuration does not build in."""
    return [module for option, module in WANTED_MODULES if f"{option}=y" not in config.splitlines()]


def collect_modules(wanted: list[str], tree: Path, target: Path) -> list[Path]:
    """Copies modules with all they depend on to ``target``, uncompressed and numbered in insmod order.

    The packages hold no modules.dep (depmod writes it at installation), so the order comes from each module's
    own ``depends=`` line.
    """
    files = {_module_name(path): path for path in sorted(tree.rglob("*.ko*"))}
    order: list[str] = []
    contents: dict[str, bytes] = {}

    def visit(name: str) -> None:
        if name in contents:
            return
        if name not in files:
            raise InfrastructureError(f"{tree}: no module {name} in this kernel's packages")
        contents[name] = _decompress(files[name])
        for dependency in depends(contents[name]):
            visit(dependency)
        order.append(name)

    for name in wanted:
        visit(name)
    target.mkdir(parents=True, exist_ok=True)
    paths = [target / f"{number:02}-{name}.ko" for number, name in enumerate(order)]
    for path, name in zip(paths, order, strict=True):
        path.write_bytes(contents[name])
    return paths


def depends(module: bytes) -> list[str]:
    """The modules a module names as its dependencies in .modinfo."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return found[1].decode().replace("-", "_").split(",") if found and found[1] else []


def copy_single(tree: Path, pattern: str, target: Path) -> bool:
    """Copies the one file that matches ``pattern`` below ``tree``; False when there is none."""
    found = [path for path in sorted(tree.glob(pattern)) if path.is_file()]
    if found:
        shutil.copyfile(found[0], target)
    return bool(found)


def _module_name(path: Path) -> str:
    return path.name.split(".ko")[0].replace("-", "_")


def _decompress(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".zst":
        try:
            return subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise InfrastructureError(
                f"{path}: zstd cannot decompress it: {error}; install the package zstd"
            ) from error
    return data
