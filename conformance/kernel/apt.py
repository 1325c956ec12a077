"""A private apt root: more suites than the machine has configured, from the machine's own mirror, without
touching its sources.

apt itself does the downloads and the signature checks.  Standard library only: ``./veridiff`` reads this
before anything is installed.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ebpf.errors import InfrastructureError, InputError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SUITES = ("bullseye", "bookworm", "bookworm-backports", "trixie", "trixie-backports")
SECURITY_SUITES = ("bullseye-security", "bookworm-security", "trixie-security")
_ARCHIVE_RELEASES = re.compile(
    r"(bullseye|bookworm|trixie|forky|sid|stable|oldstable|testing|unstable)(-security|-updates)?"
)
DAY = 86_400.0
AGAIN = 3_600.0
"""Seconds until lists are fetched again of which some did not arrive."""


@dataclass(frozen=True, slots=True)
class Package:
    """One version of one binary package an archive offers.  ``size`` is in bytes, ``sha256`` in hex, as the
    signed index says."""

    name: str
    version: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class AptRoot:
    """A directory with its own sources list, package lists and archive cache.

    ``status`` is the dpkg status file to reckon with: the machine's to install packages, /dev/null only to
    download them. ``architecture`` (Debian's name) differs from the machine's where images for another one
    are wanted. ``suites`` are (address, release) pairs; None stands for every release that carries kernels,
    where the machine's own are.
    """

    directory: Path
    status: Path = Path("/dev/null")
    architecture: str | None = None
    suites: tuple[tuple[str, str], ...] | None = None

    def options(self) -> list[str]:
        """Command-line options that make apt-get and apt-cache use this root."""
        settings = {
            "Dir::Etc::sourcelist": self.directory / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": self.directory / "lists",
            "Dir::State::status": self.status,
            "Dir::Cache": self.directory / "cache",
            # Container images empty these to save space; without them every query parses 60 MB of lists
            # again.
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "30",
            # _apt cannot enter a private directory; whoever runs us is the right user.
            "APT::Sandbox::User": "root",
        }
        if self.architecture is not None:
            settings |= {"APT::Architecture": self.architecture, "APT::Architectures": self.architecture}
        return [argument for key, value in settings.items() for argument in ("-o", f"{key}={value}")]

    def update(self, *, max_age: float = DAY) -> tuple[str, ...]:
        """Fetches the package lists unless they are younger than ``max_age`` seconds; what apt complained of.

        A suite the mirror does not carry is left out, and so is one that a mirror in mid-update gives with a
        wrong hash; old lists serve while the network is down.  After a complaint they are fetched again an
        hour later.  Raises :class:`InfrastructureError` when no list is there at all.
        """
        stamp = self.directory / "updated"
        if stamp.exists():
            incomplete = stamp.stat().st_size > 0
            if 0 <= time.time() - stamp.stat().st_mtime < (min(max_age, AGAIN) if incomplete else max_age):
                return ()
        make_directory(self.directory / "lists" / "partial", needed=400 << 20)
        make_directory(self.directory / "cache" / "archives" / "partial")
        write(
            self.directory / "sources.list",
            sources(kernel_suites(archives()) if self.suites is None else self.suites),
        )
        answer = run(["apt-get", *self.options(), "-q", "update"])
        if not any((self.directory / "lists").glob("*_Packages*")):
            raise _failure("apt-get update brought no package lists", self.directory, answer)
        # With the network down apt keeps the old lists and exits with 0.
        complaints = re.findall(
            r"^(?:Err:|E: .*fetch|W: .*fetch).*", answer.stdout + answer.stderr, re.MULTILINE
        )
        write(stamp, "\n".join(complaints))
        return tuple(complaint.strip() for complaint in complaints)

    def packages(self, pattern: str, prefix: str = "linux-") -> list[Package]:
        """All versions of all packages whose name begins with ``prefix`` and fully matches the regular
        expression, in no particular order."""
        names = run(["apt-cache", *self.options(), "pkgnames", prefix]).stdout.split()
        wanted = sorted(name for name in names if re.fullmatch(pattern, name))
        if not wanted:
            return []
        answer = run(["apt-cache", *self.options(), "show", "--all-versions", *wanted])
        return list(parse_packages(answer.stdout))

    def in_suite(self, name: str, suite: str) -> Package:
        """The version of ``name`` in one suite.  Raises :class:`InfrastructureError` when it has none."""
        answer = run(["apt-cache", *self.options(), "show", f"{name}/{suite}"])
        found = next(iter(parse_packages(answer.stdout)), None)
        if found is None:
            raise InfrastructureError(f"{name}/{suite}: apt does not offer it")
        return found

    def download(self, package: Package, directory: Path) -> Path:
        """Downloads one package into ``directory`` and returns the file.  apt has checked it against the
        signed index."""
        make_directory(directory, needed=2 * package.size + (16 << 20))
        request = f"{package.name}={package.version}"
        answer = run(["apt-get", *self.options(), "-q", "download", request], cwd=directory)
        files = sorted(directory.glob(f"{package.name}_*.deb"))
        if answer.returncode or not files:
            raise _failure(f"apt-get download {request} failed", directory, answer)
        return files[0]


def archives() -> list[tuple[str, str]]:
    """(address, release) pairs of the Debian archives in the machine's own apt configuration."""
    answer = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"])
    pairs = [tuple(line.rsplit(" ", 1)) for line in answer.stdout.splitlines() if " " in line]
    return [(address, release) for address, release in pairs if _ARCHIVE_RELEASES.fullmatch(release)]


def kernel_suites(configured: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The suites that carry kernels, at the addresses the machine uses for its own.

    Raises :class:`InfrastructureError` when its configuration names no Debian archive.
    """
    addresses: dict[bool, str] = {}
    for address, release in configured:
        addresses.setdefault(release.endswith("-security"), address)
    if False not in addresses:
        raise InfrastructureError(
            "/etc/apt/sources.list, sources.list.d: no Debian archive is named there to fetch from"
        )
    security = [(addresses[True], suite) for suite in SECURITY_SUITES] if True in addresses else []
    return [(addresses[False], suite) for suite in SUITES] + security


def sources(suites: Iterable[tuple[str, str]]) -> str:
    """A sources list.  Raises :class:`InfrastructureError` when Debian's keyring is missing."""
    if not KEYRING.exists():
        raise InfrastructureError(f"{KEYRING}: no such file; install the package debian-archive-keyring")
    return "".join(f"deb [signed-by={KEYRING}] {address} {suite} main\n" for address, suite in suites)


def parse_packages(text: str) -> Iterable[Package]:
    """Packages from ``apt-cache show``'s stanzas; one offered by several suites comes once."""
    seen = set()
    for stanza in re.split(r"\n\n+", text):
        fields = dict(re.findall(r"^(Package|Version|Size|SHA256): (.+)$", stanza, re.MULTILINE))
        if len(fields) == 4:
            package = Package(fields["Package"], fields["Version"], int(fields["Size"]), fields["SHA256"])
            if package not in seen:
                seen.add(package)
                yield package


def run(
    command: Sequence[str | os.PathLike[str]], *, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs an apt or dpkg program in the C locale and returns what it said; its exit status is the caller's
    to judge."""
    environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise InfrastructureError(
            f"{command[0]}: not found; veridiff fetches kernels with apt, on Debian and its kin"
        ) from error


def make_directory(directory: Path, *, needed: int = 0) -> None:
    """Makes a directory with its parents and checks that ``needed`` bytes are free there; :class:`InputError`
    otherwise."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(directory).free
    except OSError as error:
        raise InputError(
            f"{directory}: {error.strerror} (XDG_CACHE_HOME chooses another place for the cache)"
        ) from error
    if free < needed:
        raise no_space(directory, f"{free >> 20} MB are free, {needed >> 20} MB are needed")


def write(path: Path, text: str) -> None:
    """Replaces a small file in one step."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text)
        temporary.replace(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise no_space(path.parent, "the disk is full") from error
        raise InputError(f"{path}: {error.strerror}") from error


def no_space(directory: Path, reason: str) -> InputError:
    """The error for a full disk: the user can choose another place."""
    return InputError(
        f"{directory}: no free disk for the cache: {reason} (XDG_CACHE_HOME chooses another place)"
    )


def _failure(
    what: str, directory: Path, answer: subprocess.CompletedProcess[str]
) -> InputError | InfrastructureError:
    text = answer.stderr + answer.stdout
    if "No space left" in text or "enough free space" in text:
        return no_space(directory, "apt says the disk is full")
    lines = [line.strip() for line in text.splitlines() if line.startswith(("E:", "Err:", "W:"))]
    return InfrastructureError(f"{what}: {lines[0] if lines else f'exit status {answer.returncode}'}")
