"""The virtual environment: made once, remade when the interpreter changed, refilled when the dependencies
did."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from conformance.kernel.cache import cache_directory, locked
from conformance.kernel.telling import tell
from conformance.setup.logged import run_logged
from conformance.setup.needs import Need
from ebpf.errors import InputError

PIP = ("pip", "install", "--disable-pip-version-check", "--no-input")
UNINSTALL = ("pip", "uninstall", "--disable-pip-version-check", "--no-input", "--yes")
_OWN_NAMES = {"bin", "include", "lib", "lib64", "share", "pyvenv.cfg", ".gitignore"}


@dataclass(frozen=True, slots=True)
class PythonEnvironment:
    """A virtual environment in ``directory`` for the checkout.

    A stamp, written last, names the checkout whose code and dependencies it holds: a kill at any earlier
    moment leaves no stamp, and filling it for one checkout takes away the stamps of all others.  A second
    mark says that pip is at work: found at the start of a set-up, it means that pip was killed, and an
    environment of our making is made anew.
    """

    directory: Path
    checkout: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.directory / "bin" / "python"

    @classmethod
    def of(cls, checkout: Path, needs: Need) -> PythonEnvironment:
        """The one for a checkout: ``$VERIDIFF_VENV``, else .venv in it, else one in the cache.

        The last where the checkout is not ours to write to, or where .venv is the file that editors follow
        (PEP 832).
        """
        if chosen := os.environ.get("VERIDIFF_VENV"):
            return cls(Path(chosen).absolute(), checkout)
        inside = cls(checkout / ".venv", checkout)
        if inside.ready(needs) or (os.access(checkout, os.W_OK) and not inside.directory.is_file()):
            return inside
        return cls(
            cache_directory() / f"environment-{hashlib.sha256(str(checkout).encode()).hexdigest()[:16]}",
            checkout,
        )

    def ready(self, needs: Need) -> bool:
        """Whether it holds what these needs ask for; costs two file look-ups."""
        return self._stamp(development=True).exists() or (
            Need.DEVELOPMENT not in needs and self._stamp(development=False).exists()
        )

    def set_up(self, needs: Need) -> None:
        """Makes it ready.  Raises :class:`InputError` for a directory that is not ours to fill, else
        InfrastructureError."""
        name = hashlib.sha256(str(self.directory).encode()).hexdigest()[:16]
        with locked(cache_directory() / f"environment-{name}.lock"):
            if self.ready(needs):
                return
            development = Need.DEVELOPMENT in needs
            if not self._usable() or (self._made_here.exists() and self._pip_at_work.exists()):
                self._make()
            self._made_here.parent.mkdir(exist_ok=True)
            for other in self._take_over():
                tell(f"{self.directory} holds the checkout {other}: installing {self.checkout} in its place")
            tell("installing Python packages" + (" for the tests" if development else ""))
            self._pip_at_work.touch()
            run_logged(
                [str(self.python), "-m", *PIP, *self._what_to_install(development=development)],
                dies_with_us=True,
            )
            self._stamp(development=development).write_text(f"{self.checkout}\n")
            self._pip_at_work.unlink()

    def _take_over(self) -> list[str]:
        """Remove what would run another checkout's code; return the checkouts that the stamps name."""
        others = set()
        for stamp in self._made_here.parent.glob("veridiff-stamp-*"):
            if (named := stamp.read_text().strip()) != str(self.checkout):
                others.add(named)
                stamp.unlink()
        self._pointer.unlink(missing_ok=True)
        if others and self._installed_editable():
            run_logged([str(self.python), "-m", *UNINSTALL, "veridiff"], dies_with_us=True)
        return sorted(others)

    def _installed_editable(self) -> bool:
        return any(self._packages.glob("veridiff-*.dist-info"))

    @property
    def _packages(self) -> Path:
        return next((self.directory / "lib").glob("python*/site-packages"))

    @property
    def _pointer(self) -> Path:
        """The file that puts a checkout on the path which may not be written to."""
        return self._packages / "veridiff-checkout.pth"

    @property
    def _made_here(self) -> Path:
        return self.directory / "share" / "veridiff-made-this"

    @property
    def _pip_at_work(self) -> Path:
        return self.directory / "share" / "veridiff-pip-at-work"

    def _stamp(self, *, development: bool) -> Path:
        content = (
            self.checkout / "pyproject.toml"
        ).read_bytes() + f"{self.checkout}\0{sys.version_info[:2]}".encode()
        key = hashlib.sha256(content).hexdigest()[:16]
        return self.directory / "share" / f"veridiff-stamp-{key}{'-dev' if development else ''}"

    def _what_to_install(self, *, development: bool) -> list[str]:
        """pip's arguments: this checkout, editable; or its dependencies and a pointer to it where it may not
        be written to."""
        if os.access(self.checkout, os.W_OK):
            return ["-e", f"{self.checkout}[dev]" if development else str(self.checkout)]
        project = tomllib.loads((self.checkout / "pyproject.toml").read_text())["project"]
        self._pointer.write_text(f"{self.checkout}\n")
        return [*project["dependencies"], *(project["optional-dependencies"]["dev"] if development else ())]

    def _usable(self) -> bool:
        probe = "import pip, sys; print(*sys.version_info[:2])"
        try:
            answer = subprocess.run([self.python, "-c", probe], capture_output=True, text=True, check=False)
        except OSError:
            return False
        return answer.returncode == 0 and answer.stdout.split() == [
            str(number) for number in sys.version_info[:2]
        ]

    def _make(self) -> None:
        if self.directory.exists() and not set(os.listdir(self.directory)) <= _OWN_NAMES:
            raise InputError(
                f"{self.directory}: not a virtual environment, and not empty (VERIDIFF_VENV chooses "
                "another place)"
            )
        tell(f"making a virtual environment in {self.directory}")
        run_logged([sys.executable, "-m", "venv", "--clear", str(self.directory)], dies_with_us=True)
        self._made_here.parent.mkdir(exist_ok=True)
        self._made_here.touch()
