"""The private apt root, as far as it goes without a network."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from conformance.kernel import apt
from conformance.kernel.apt import AptRoot, Package, kernel_suites, make_directory, parse_packages, sources
from ebpf.errors import InfrastructureError, InputError

SHOWN = """\
Package: linux-image-6.12.107+deb13-cloud-amd64
Source: linux-signed-amd64 (6.12.107+1)
Version: 6.12.107-1
Description: Linux 6.12 for x86-64 cloud (signed)
 Package: this is text, not a field
Size: 34402644
SHA256: aa11

Package: linux-image-6.12.107+deb13-cloud-amd64
Version: 6.12.107-1
Size: 34402644
SHA256: aa11

Package: cut
Version: 1
"""


def test_packages_offered_twice_come_once() -> None:
    assert list(parse_packages(SHOWN)) == [
        Package("linux-image-6.12.107+deb13-cloud-amd64", "6.12.107-1", 34402644, "aa11")
    ]


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keyring.gpg"
    path.touch()
    monkeypatch.setattr(apt, "KEYRING", path)
    return path


@pytest.mark.usefixtures("keyring")
def test_sources_use_the_machines_own_archives() -> None:
    configured = [
        ("http://a/debian/", "bookworm"),
        ("http://a/other/", "bookworm"),
        ("http://s/sec/", "bookworm-security"),
    ]
    text = sources(kernel_suites(configured))
    assert {line.split()[2] for line in text.splitlines() if "-security main" not in line} == {
        "http://a/debian/"
    }
    assert {line.split()[2] for line in text.splitlines() if "-security main" in line} == {"http://s/sec/"}


@pytest.mark.usefixtures("keyring")
def test_no_security_archive_is_no_obstacle() -> None:
    assert "-security main" not in sources(kernel_suites([("http://a/debian/", "bookworm")]))


@pytest.mark.usefixtures("keyring")
def test_no_debian_archive_is_one_clear_error() -> None:
    with pytest.raises(InfrastructureError, match="no Debian archive is named"):
        kernel_suites([])


def test_no_keyring_is_one_clear_error(keyring: Path) -> None:
    keyring.unlink()
    with pytest.raises(InfrastructureError, match="install the package debian-archive-keyring"):
        sources([("http://a/debian/", "bookworm")])


def test_no_disk_names_the_place_and_both_sizes(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=rf"{tmp_path}: no free disk for the cache: \d+ MB are free, \d+ MB are needed"
    ):
        make_directory(tmp_path, needed=1 << 60)


def test_a_file_where_the_cache_should_be(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(InputError, match="Not a directory"):
        make_directory(tmp_path / "cache" / "apt")


def test_no_apt_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InfrastructureError, match="apt-get: not found"):
        apt.archives()


def test_fresh_lists_are_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "updated").touch()
    monkeypatch.setattr(apt, "run", lambda *_, **__: pytest.fail("asked apt"))
    AptRoot(tmp_path).update()


def test_lists_that_did_not_verify_are_fetched_again_an_hour_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mirror in mid-update gives an index that does not match its hash; what else came serves until then."""
    root = AptRoot(tmp_path, suites=(("http://mirror/debian", "trixie"), ("http://mirror/debian", "forky")))
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "mirror_Packages").touch()
    monkeypatch.setattr(apt, "sources", lambda _: "")
    complaint = "E: Failed to fetch http://mirror/forky/Packages.xz  File has unexpected size"
    said = [complaint, "", "Get:1 all"]

    def answer(command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, "Get:1 some\n", said.pop(0) + "\n")

    monkeypatch.setattr(apt, "run", answer)
    assert root.update() == (complaint,)
    assert root.update() == ()
    assert len(said) == 2, "not within the hour"
    for expected in (1, 1):  # the hour is over; and a clean answer lasts the day
        old = time.time() - apt.AGAIN - 1
        os.utime(tmp_path / "updated", (old, old))
        assert root.update() == ()
        assert len(said) == expected
