"""The virtual environment: made once, remade when the interpreter changed, refilled when the dependencies did."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from conformance.kernel.cache import cache_directory, locked
from conformance.setup.needs import Need
from conformance.setup.system import tell
from ebpf.errors import InfrastructureError, InputError

_OWN_NAMES = {"bin", "include", "lib", "lib64", "share", "pyvenv.cfg", ".gitignore"}


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment in ``directory`` for the checkout.

    A stamp, written last, says which dependencies it holds: a kill at any earlier moment leaves no stamp.  A second mark says
    that pip is at work: found at the start of a set-up, it means that pip was killed, and an environment of our making is
    made anew.
    """

    directory: Path
    checkout: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.directory / "bin" / "python"

    def ready(self, needs: Need) -> bool:
        """Whether it holds what these needs ask for; costs two file look-ups."""
        return self._stamp(development=True).exists() or (Need.DEVELOPMENT not in needs and self._stamp(development=False).exists())

    def set_up(self, needs: Need) -> None:
        """Makes it ready.  Raises :class:`InputError` for a directory that is not ours to fill, else InfrastructureError."""
        name = hashlib.sha256(str(self.directory).encode()).hexdigest()[:16]
        with locked(cache_directory() / f"environment-{name}.lock"):
            if self.ready(needs):
                return
            development = Need.DEVELOPMENT in needs
            if not self._usable() or (self._made_here.exists() and self._pip_at_work.exists()):
                self._make()
            self._made_here.parent.mkdir(exist_ok=True)
            tell("installing Python packages" + (" for the tests" if development else ""))
            self._pip_at_work.touch()
            what = f"{self.checkout}[dev]" if development else str(self.checkout)
            self._run([str(self.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-e", what])
            self._stamp(development=development).touch()
            self._pip_at_work.unlink()

    @property
    def _made_here(self) -> Path:
        return self.directory / "share" / "veridiff-made-this"

    @property
    def _pip_at_work(self) -> Path:
        return self.directory / "share" / "veridiff-pip-at-work"

    def _stamp(self, *, development: bool) -> Path:
        content = (self.checkout / "pyproject.toml").read_bytes() + f"{self.checkout}\0{sys.version_info[:2]}".encode()
        key = hashlib.sha256(content).hexdigest()[:16]
        return self.directory / "share" / f"veridiff-{key}{'-dev' if development else ''}"

    def _usable(self) -> bool:
        probe = "import pip, sys; print(*sys.version_info[:2])"
        try:
            answer = subprocess.run([self.python, "-c", probe], capture_output=True, text=True, check=False)
        except OSError:
            return False
        return answer.returncode == 0 and answer.stdout.split() == [str(number) for number in sys.version_info[:2]]

    def _make(self) -> None:
        if self.directory.exists() and not set(os.listdir(self.directory)) <= _OWN_NAMES:
            raise InputError(f"{self.directory}: not a virtual environment, and not empty (VERIDIFF_VENV chooses another place)")
        tell(f"making a virtual environment in {self.directory}")
        self._run([sys.executable, "-m", "venv", "--clear", str(self.directory)])
        self._made_here.parent.mkdir(exist_ok=True)
        self._made_here.touch()

    def _run(self, command: list[str]) -> None:
        log = cache_directory() / "setup.log"
        with log.open("a") as file:
            start = file.tell()
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False).returncode
        if status:
            lines = log.read_text()[start:].splitlines()
            errors = [line for line in lines if "rror" in line] or lines or [f"exit status {status}"]
            raise InfrastructureError(f"{' '.join(command[1:4])} failed: {errors[-1].strip()} (all of it is in {log})")
