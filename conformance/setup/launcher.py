"""From ``./veridiff ARGUMENTS`` to ``python -m conformance.cli ARGUMENTS`` with everything there that the
command needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from conformance.kernel.architecture import TESTED
from conformance.kernel.cache import cache_directory
from conformance.kernel.telling import tell
from conformance.setup.environment import PythonEnvironment
from conformance.setup.needs import Need, architectures_of, needs_of
from conformance.setup.system import advice, check_chosen_compiler, missing
from conformance.setup.usage import answer_without_set_up
from ebpf.errors import InputError, VeridiffError


def launch(checkout: str, arguments: Sequence[str]) -> int:
    """Sets up and then becomes the command line.  Returns only when there is nothing to become: an exit
    status."""
    needs = needs_of(arguments)
    ready = PythonEnvironment.of(Path(checkout), needs).ready(needs)
    if (answer := answer_without_set_up(Path(checkout), arguments, ready=ready)) is not None:
        print(answer)
        return 0
    environment, status = prepare(checkout, arguments)
    if status is None:
        # -P: a directory of the user's that happens to be called "ebpf" must not shadow ours.
        python = str(environment.python)
        os.execv(python, [python, "-P", "-m", "conformance.cli", *arguments])
    return status


def prepare(checkout: str, arguments: Sequence[str]) -> tuple[PythonEnvironment, int | None]:
    """The environment for this command line, and None when it is ready, else the exit status of errors.py."""
    needs = needs_of(arguments)
    environment = PythonEnvironment.of(Path(checkout), needs)
    try:
        _provide(needs, arguments, environment, os.path.join(checkout, "veridiff"))
    except InputError as error:
        tell(str(error))
        return environment, 2
    except VeridiffError as error:
        tell(str(error))
        return environment, 3
    except OSError as error:
        in_cache = str(error.filename).startswith(str(cache_directory()))
        hint = " (XDG_CACHE_HOME chooses another place for the cache)" if in_cache else ""
        tell(f"{error.filename}: {error.strerror}{hint}")
        return environment, 2
    except KeyboardInterrupt:
        tell("interrupted; the next start goes on from here")
        return environment, 130
    if list(arguments) == ["setup"]:
        tell("all system packages are there")
        return environment, 0
    return environment, None


def _provide(needs: Need, arguments: Sequence[str], environment: PythonEnvironment, launcher: str) -> None:
    ready = environment.ready(needs)
    architectures = architectures_of(arguments)
    tested = (TESTED,) if Need.DEVELOPMENT in needs else ()
    if Need.COMPILER in needs:
        check_chosen_compiler()
    lacking = missing(needs & ~Need.ENVIRONMENT if ready else needs, architectures, tested)
    if os.geteuid() != 0:
        if any(not requirement.optional for requirement in lacking):
            raise InputError(advice(lacking, launcher))
    elif lacking:
        from conformance.setup.packages import install  # apt is for the first use only

        install(lacking)
    if not ready and list(arguments) != ["setup"]:
        environment.set_up(needs)
        tell(f"ready ({sys.executable}, {environment.directory})")
