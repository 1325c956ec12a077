"""What is put on QEMU's command line, and what is said when something is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.kernel import compiling
from conformance.kernel.agent import agent
from conformance.kernel.architecture import X86_64
from conformance.kernel.compiling import compiler
from conformance.kernel.image import Image
from conformance.kernel.qemu import Accelerator, Qemu, command, cpu_model, find_qemu
from ebpf.errors import InputError


def image(version: str) -> Image:
    return Image("k", version, Path("/k"))


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Nothing on the PATH, and an empty cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    find_qemu.cache_clear()
    yield tmp_path
    find_qemu.cache_clear()


@pytest.mark.parametrize(
    ("major", "version", "model"),
    [
        (7, "6.12.107+deb13-cloud-amd64", "max,-cx16"),
        (7, "7.3.4", "max"),
        (7, "unknown", "max"),
        (8, "6.1.0", "max"),
        (10, "5.10.0", "max"),
    ],
)
def test_cmpxchg16b_is_dropped_only_where_it_fails_and_is_not_needed(
    major: int, version: str, model: str
) -> None:
    assert cpu_model(Qemu("q", major, X86_64), image(version)) == model


def test_boot_arguments_come_last_and_a_panic_ends_the_machine() -> None:
    argv = command(Qemu("q", 10, X86_64), image("6.12"), Accelerator.TCG, ("bugbench=3",), 512, 4, 5, 6)
    appended = argv[argv.index("-append") + 1]
    assert appended.endswith(" bugbench=3")
    assert "panic=-1" in appended
    assert "-no-reboot" in argv
    assert argv[argv.index("-accel") + 1] == "tcg"


def test_no_qemu_is_the_users_to_mend(bare_path: Path) -> None:
    with pytest.raises(InputError, match="apt-get install qemu-system-x86"):
        find_qemu(X86_64)


def test_no_compiler_is_the_users_to_mend(bare_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no C compiler"):
        compiler(X86_64)
    monkeypatch.setenv("CC", "nosuchcc -m64")
    with pytest.raises(InputError, match="nosuchcc"):
        agent(X86_64)


def test_a_compiler_that_fails_is_quoted(bare_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = bare_path / "cc"
    broken.write_text("#!/bin/sh\necho 'x.c: fatal error: no' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(InputError, match="fatal error: no"):
        agent(X86_64)
    assert list((bare_path / "cache" / "veridiff").iterdir()) == []


def test_the_agent_is_built_once_for_the_same_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = agent(X86_64)
    assert first[:4] == b"\x7fELF"

    def no_compiler(name: str, command: list[str], inputs: list[str], to: Path) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(compiling, "_build", no_compiler)
    assert agent(X86_64) == first
