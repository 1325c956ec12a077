"""Options and the kernel of the suite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, settings

from conformance.cli.options import DEFAULT_KERNEL
from conformance.kernel.images import fetch
from conformance.kernel.session import KernelSession
from conformance.observing.machines import Machines
from conformance.observing.siblings import Siblings, names_of, others_like

# With CI in the environment Hypothesis loads its own profile "ci": ours have other names and are loaded
# explicitly.
settings.register_profile(
    "veridiff-dev", max_examples=100, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile(
    "veridiff-ci", max_examples=300, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile(
    "veridiff-nightly", max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck)
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--kernel``, ``--boot-arg`` and ``--veridiff-profile``."""
    group = parser.getgroup("veridiff")
    group.addoption(
        "--kernel", action="append", default=[], help=f"a kernel, as veridiff run takes it [{DEFAULT_KERNEL}]"
    )
    group.addoption(
        "--boot-arg", action="append", default=[], help="an argument for the kernel's command line"
    )
    group.addoption(
        "--against", action="append", default=[], help="a kernel to ask about refusals of safe programs"
    )
    group.addoption(
        "--veridiff-profile",
        default="veridiff-dev",
        choices=["veridiff-dev", "veridiff-ci", "veridiff-nightly"],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Load the profile that was asked for."""
    settings.load_profile(config.getoption("--veridiff-profile"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One set of tests per kernel."""
    if "kernel_name" in metafunc.fixturenames:
        metafunc.parametrize(
            "kernel_name", metafunc.config.getoption("--kernel") or [DEFAULT_KERNEL], scope="session"
        )


@pytest.fixture(scope="session")
def siblings(kernel_name: str, request: pytest.FixtureRequest) -> Iterator[Siblings]:
    """The kernels to ask where it hangs on what others say."""
    image = fetch(kernel_name)
    names = names_of(tuple(request.config.getoption("--against")), (image.architecture,))
    with closing(Machines()) as machines:
        yield Siblings(others_like(image, names), machines)


@pytest.fixture(scope="session")
def kernel(kernel_name: str, request: pytest.FixtureRequest) -> Iterator[KernelSession]:
    """A session with the kernel, shared by this worker's tests."""
    with KernelSession.open(fetch(kernel_name), tuple(request.config.getoption("--boot-arg"))) as session:
        yield session
