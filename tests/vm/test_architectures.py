"""Another architecture than the host's: a kernel of it boots, every form of instruction does what our
interpreter says, and a campaign judges its programs.

Skipped by name where its emulator, its cross compiler or its kernel cannot be had.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.campaign import known
from conformance.campaign.run import Campaign, Settings
from conformance.kernel.architecture import DEFAULT, TESTED
from conformance.kernel.compiling import compiler
from conformance.kernel.hello import Knob
from conformance.kernel.image import Image
from conformance.kernel.images import fetch
from conformance.kernel.jobs import Attempt, Jit, Job, Lost
from conformance.kernel.qemu import find_qemu
from conformance.kernel.session import KernelSession
from conformance.plugin.plugin import result, wrap
from conformance.properties.execution import ENGINES
from ebpf.errors import InfrastructureError, InputError
from oracles.interpreter import Returned, run
from oracles.interpreter.runs import STEP_LIMIT
from tests.vm.forms import every_form

pytestmark = pytest.mark.vm

NAMES = os.environ.get("VERIDIFF_TEST_ARCHITECTURES", f"debian:7.3@{TESTED.debian}")
"""Kernels, comma-separated."""
PROGRAMS = 24


@pytest.fixture(scope="module", params=NAMES.split(","))
def image(request: pytest.FixtureRequest) -> Image:
    try:
        image = fetch(request.param)
        find_qemu(image.architecture)
        compiler(image.architecture)
    except (InputError, InfrastructureError) as error:
        pytest.skip(f"{request.param} cannot be had: {error}")
    assert image.architecture is not DEFAULT
    return image


@pytest.fixture(scope="module")
def kernel(image: Image) -> Iterator[KernelSession]:
    with KernelSession.open(image) as session:
        yield session


def test_it_is_the_machine_that_was_asked_for(image: Image, kernel: KernelSession) -> None:
    assert kernel.hello.machine == image.architecture.name
    assert kernel.hello.release == image.version


def test_every_form_does_what_our_interpreter_says(image: Image, kernel: KernelSession) -> None:
    """By the JIT, where there is one, and by the kernel's interpreter: operands at the edges, memory read and
    written at every alignment.  What a kernel lacks it refuses."""
    machine = image.architecture.machine
    asked = [(name, wrap(program, memory, machine).case) for name, program, memory in every_form(machine)]
    attempts = (Attempt(Jit.ON, 1), Attempt(Jit.OFF, 0))
    answers = kernel.run_all([Job(case, attempts) for _, case in asked])
    agreed, wrong, issues = 0, [], known.load()
    for (name, case), answer in zip(asked, answers, strict=True):
        assert not isinstance(answer, Lost)
        ours = run(case, case.inputs[0], limit=STEP_LIMIT)
        assert isinstance(ours, Returned), (name, ours)
        for attempt, loaded in zip(attempts, answer.attempts, strict=True):
            if loaded.errno:
                continue
            has_jit = Knob.JIT in kernel.hello.knobs
            assert bool(loaded.jited_length) is (has_jit and attempt.jit is Jit.ON), "run by the other engine"
            theirs = result(loaded.runs[0].maps, machine.byte_order)
            if theirs == result(ours.maps, machine.byte_order):
                agreed += 1
            elif not known.find(issues, f"execution:{ENGINES[attempt.jit]}:{name}", image.version):
                wrong.append((name, attempt.jit, hex(theirs), case.program.instructions))
    assert wrong == []
    assert agreed > 1.8 * len(asked)


def test_a_campaign_judges_its_programs(image: Image, tmp_path: Path) -> None:
    settings = Settings(
        images=(image,),
        kinds=("health", "soundness", "execution", "bounds"),
        directory=tmp_path / "run",
        command="",
        seed=2,
        workers=1,
        seconds=None,
        examples=PROGRAMS,
        boot_args=(),
    )
    campaign = Campaign(settings, lambda progress: None)
    campaign.store.create()
    summary = campaign.run()
    assert summary.complete, summary.incomplete_because
    assert summary.programs.judged == PROGRAMS
    assert all(cell.judged >= cell.floor for cell in summary.cells)
    assert summary.findings_new == 0
    (reach,) = summary.reach
    assert reach.offer is not None
    assert reach.types.keys() <= set(reach.offer.types) >= {"xdp", "socket_filter"}
    assert {row.form for row in summary.forms} <= set(reach.offer.forms)
