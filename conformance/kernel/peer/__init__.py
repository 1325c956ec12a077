"""libbpf itself as a peer: a small program of ours, linked with each generation's own static library, run in
the guest.

Each is built inside its suite's root: headers and static libraries of one suite, never installed on the
machine.
"""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path

from conformance.kernel import debian
from conformance.kernel.apt import make_directory
from conformance.kernel.architecture import DEFAULT, Architecture
from conformance.kernel.cache import cache_directory, locked
from conformance.kernel.compiling import built
from conformance.kernel.unpack import unpack
from ebpf.objects.generation import Generation

VERSION = "libbpf.version"
SOURCE = Path(__file__).parent / "peer.c"


@dataclass(frozen=True, slots=True)
class Peer:
    """One libbpf: its ``suite``, the ``packages`` it is built from as (name, suite) pairs, and the slot of
    the guest it has."""

    generation: Generation
    suite: str
    packages: tuple[tuple[str, str], ...]
    slot: int

    @property
    def name(self) -> str:
        """ "libbpf 1"."""
        return self.generation.value


def _packages(suite: str, gcc: int, elf_suite: str = "") -> tuple[tuple[str, str], ...]:
    names = ("libbpf-dev", "libzstd-dev", "zlib1g-dev", "libc6-dev", "linux-libc-dev", f"libgcc-{gcc}-dev")
    return (*((name, suite) for name in names), ("libelf-dev", elf_suite or suite))


PEERS = (
    Peer(Generation.LIBBPF_0_3, "bullseye", _packages("bullseye", 10), 0),
    # The static libelf of trixie itself lacks a part (eu_search_tree_init); that of its backports has it.
    Peer(Generation.LIBBPF_1, "trixie", _packages("trixie", 14, "trixie-backports"), 1),
)
"""Debian's oldest that we hold to, and its newest (1.5 in trixie)."""


@functools.cache
def executable(peer: Peer, architecture: Architecture = DEFAULT) -> bytes:
    """The peer's program for one architecture, fetched and built at first use.

    Raises :class:`ebpf.errors.InputError` when there is no compiler or no room,
    :class:`ebpf.errors.InfrastructureError` when apt fails.
    """
    root, triplet = _root(peer, architecture), architecture.triplet
    libraries = root / "usr" / "lib" / triplet
    gcc = next((root / "usr" / "lib" / "gcc" / triplet).iterdir())
    include = root / "usr" / "include"
    flags = [f"--sysroot={root}", "-isystem", str(include), "-isystem", str(include / triplet)]
    flags += [f"-B{gcc}", f"-B{libraries}", f"-L{libraries}", "-Wl,--wrap=syscall"]
    return built("peer", architecture, [SOURCE], flags, ("-lbpf", "-lelf", "-lz", "-lzstd"))


def version(peer: Peer, architecture: Architecture = DEFAULT) -> str:
    """Debian's version of the libbpf that the peer is linked with.  Raises as :func:`executable` does."""
    return (_root(peer, architecture) / VERSION).read_text()


def _root(peer: Peer, architecture: Architecture) -> Path:
    """Where the peer's headers and libraries are.  Once there they are not looked for again."""
    home = debian.cache_of("peers", architecture) / peer.suite
    with locked(home.parent / "lock"):
        if home.exists():
            return home
        make_directory(home.parent, needed=100 << 20)
        apt = debian.apt_root(architecture)
        with locked(cache_directory() / "apt.lock"):
            apt.update()
            packages = [apt.in_suite(*each) for each in peer.packages]
        with tempfile.TemporaryDirectory(prefix=".unpack-", dir=home.parent) as name:
            for package in packages:
                archive = apt.download(package, Path(name) / "archives")
                unpack(archive, Path(name) / "root")
                archive.unlink()
            (Path(name) / "root" / VERSION).write_text(packages[0].version)
            (Path(name) / "root").replace(home)
    return home
