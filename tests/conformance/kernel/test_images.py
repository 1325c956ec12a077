"""Kernel names, and one kernel fetched for real."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.kernel import bzimage, debian, images
from conformance.kernel.apt import Package
from conformance.kernel.architecture import Architecture
from conformance.kernel.image import Image
from conformance.kernel.images import by_age, choose, fetch, list_images, resolve
from ebpf.errors import InfrastructureError, InputError

OFFERED = ["6.1.9-1", "6.12.107-1~deb12u1", "6.1.10-1", "6.12.107-1", "6.12.95-1~bpo12+1", "7.3.4-1~bpo13+1"]


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        debian, "offered", lambda _: {version: Package("linux", version, 1, "") for version in OFFERED}
    )
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("6.12", ["6.12.107-1"]),
        ("6.1", ["6.1.10-1"]),
        ("6.12.95", ["6.12.95-1~bpo12+1"]),
        ("6.12.107-1~deb12u1", ["6.12.107-1~deb12u1"]),
        ("6.1.*", ["6.1.9-1", "6.1.10-1"]),
        ("7.*", ["7.3.4-1~bpo13+1"]),
        ("6", []),
        ("", []),
        ("6.11", []),
        ("5.*", []),
    ],
)
def test_choose(wanted: str, chosen: list[str]) -> None:
    assert choose(wanted, OFFERED) == chosen


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize("name", ["debian:9.9", "debian:", "debian:9.9@amd64", "fedora:40", "no/such/file"])
def test_unknown_names_are_one_clear_error(name: str) -> None:
    with pytest.raises(InputError, match=f"^{name}: unknown kernel name"):
        resolve(name)


@pytest.mark.usefixtures("offered")
def test_an_architecture_may_be_named() -> None:
    assert resolve("debian:6.1@amd64") == resolve("debian:6.1") == ["debian:6.1.10-1"]
    known = "amd64, arm64, riscv64, s390x, ppc64el"
    with pytest.raises(
        InputError, match=rf"^debian:6\.1@vax: vax: no such architecture; there are: {known}$"
    ):
        resolve("debian:6.1@vax")


@pytest.mark.usefixtures("offered")
def test_a_glob_goes_over_versions_and_architectures() -> None:
    assert resolve("debian:6.1@ppc64le") == ["debian:6.1.10-1@ppc64el"]
    assert resolve("debian:6.1@*") == [
        "debian:6.1.10-1",
        *(f"debian:6.1.10-1@{name}" for name in ("arm64", "riscv64", "s390x", "ppc64el")),
    ]
    assert resolve("debian:6.1.*@a*64") == [
        "debian:6.1.9-1",
        "debian:6.1.10-1",
        "debian:6.1.9-1@arm64",
        "debian:6.1.10-1@arm64",
    ]


@pytest.mark.usefixtures("offered")
def test_a_series_is_its_newest_version_that_can_be_had(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mirror in mid-update offers versions whose packages it does not hold; one line says so, once."""
    gone = {"6.12.107-1", "6.12.107-1~deb12u1"}

    def download(version: str, architecture: Architecture) -> Image:
        if version in gone:
            raise InfrastructureError(f"{version}: 404")
        return Image(debian.name(version, architecture), version, Path("k"), architecture=architecture)

    monkeypatch.setattr(images, "fetch_version", download)
    assert fetch("debian:6.12@s390x").name == "debian:6.12.95-1~bpo12+1@s390x"
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "veridiff: debian:6.12.107-1@s390x cannot be had (6.12.107-1: 404): "
        "taking debian:6.12.95-1~bpo12+1@s390x instead"
    ]
    assert "6.12.107-1" not in resolve("debian:6.12@s390x")[0], "not asked for again within the hour"
    assert resolve("debian:6.12") == ["debian:6.12.107-1"], "another architecture's mirror is another thing"
    with pytest.raises(InfrastructureError, match="404"):
        fetch("debian:6.12.107-1@s390x")
    gone.update(OFFERED)
    with pytest.raises(InfrastructureError, match="404"):
        fetch("debian:6.1@s390x")


@pytest.mark.usefixtures("offered")
def test_a_glob_is_not_one_image() -> None:
    with pytest.raises(InputError, match="matches 2 kernels"):
        fetch("debian:6.1.*")


def test_without_network_the_cache_answers(offered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(architecture: Architecture) -> dict[str, Package]:
        raise InfrastructureError("no network")

    monkeypatch.setattr(debian, "offered", no_network)
    with pytest.raises(InfrastructureError):
        list_images()
    home = offered / "veridiff/images/6.12.1-1-abc"
    home.mkdir(parents=True)
    record = {
        "version": "6.12.1-1",
        "release": "6.12.1-cloud-amd64",
        "sha256": "abc",
        "modules": ["00-virtio.ko"],
    }
    (home / "image.json").write_text(json.dumps(record))
    image = fetch("debian:6.12")
    assert (image.name, image.version) == ("debian:6.12.1-1", "6.12.1-cloud-amd64")
    assert image.modules == (home / "modules/00-virtio.ko",)


@pytest.mark.vm
@pytest.mark.parametrize(("series", "with_modules"), [("6.1", True), ("6.12", False), ("7.3", False)])
def test_a_stock_kernel_is_fetched_once(series: str, with_modules: bool) -> None:
    image = fetch(f"debian:{series}")
    assert image.version.startswith(f"{series}.")
    assert bzimage.release(image.vmlinuz) == image.version
    assert bool(image.modules) is with_modules
    assert all(path.read_bytes().startswith(b"\x7fELF") for path in image.modules)
    assert image.config is not None
    assert "CONFIG_BPF_SYSCALL=y" in image.config.read_text()
    assert fetch(image.name) == image


def test_by_age() -> None:
    names = [
        "b/bzImage",
        "debian:7.2.9-1~bpo13+1",
        "debian:6.12.117-1",
        "debian:7.2.12-1~bpo13+1",
        "a/bzImage",
    ]
    assert by_age(names) == [*(names[at] for at in (2, 1, 3)), "b/bzImage", "a/bzImage"]
