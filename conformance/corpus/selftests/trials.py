"""Tagged programs of compiled objects, each in each mode that it has an expectation for, ready to be
loaded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.corpus.asking import NOT_ALONE
from conformance.corpus.selftests.tags import Expectation, Expected, tagged
from conformance.kernel.jobs import Attempt, Jit, Job
from conformance.objects.untyped import untyped
from ebpf.btf import Btf, BtfError
from ebpf.btf.core import KernelTypes
from ebpf.errors import InputError
from ebpf.maps import MapSpec, MapType
from ebpf.objects import Object, ObjectError, ObjectProgram, open_object
from ebpf.objects.file import read_elf
from ebpf.program import Case, Input, LoadFlag, Program

RUN_INPUT = Input(packet=bytes(64))
"""What test_loader.c runs a program on (TEST_DATA_LEN)."""
RUNNER_FLAGS = LoadFlag.TEST_RND_HI32 | LoadFlag.TEST_REG_INVARIANTS
"""What the selftests' runner adds where the kernel knows it (testing_helpers.c, testing_prog_flags)."""
_FILLED_BY_LOADER = (MapType.PROG_ARRAY, MapType.ARRAY_OF_MAPS, MapType.HASH_OF_MAPS)


@dataclass(frozen=True, slots=True)
class SelftestTrial:
    """``case`` is None where the program cannot be loaded as the selftests' runner would, for
    ``unsupported``.

    ``run`` says whether the result of a test run is to be compared; ``not_run`` why not, where there is an
    expectation.
    """

    file: str
    name: str
    privileged: bool
    expected: Expected
    case: Case | None
    log_level: int = 0
    flags: LoadFlag = RUNNER_FLAGS
    run: bool = False
    not_run: str = ""
    unsupported: str = ""
    skipped: str = ""

    @property
    def id(self) -> str:
        """``file/program``, with the mode where it is the unprivileged one, as test_progs prints it."""
        return f"{self.file}/{self.name}" + ("" if self.privileged else " @unpriv")

    def job(self) -> Job:
        """What to ask of a kernel."""
        assert self.case is not None
        return Job(self.case, (Attempt(Jit.ON, self.log_level, self.flags, run=self.run),))


def trials(path: Path, kernel: KernelTypes | None = None) -> Iterator[SelftestTrial]:
    """Of one object: every tagged program in its modes.  Auxiliary programs are for others to use, and are
    none of them.

    Raises :class:`InputError` for an object whose tags cannot be read.
    """
    data, name = path.read_bytes(), path.name.removesuffix(".o")
    specs = {program: spec for program, spec in _tags(data).items() if not spec.auxiliary}
    try:
        opened, why = open_object(data, path.name, kernel=kernel), ""
    except ObjectError as error:
        opened, why = None, f"the object cannot be opened: {error.stage.value}: {error.place}: {error.reason}"
    programs = {} if opened is None else {each.name: each for each in opened.programs}
    for program, spec in specs.items():
        found = programs.get(program)
        if opened is not None and found is None:
            # Global functions of .text may be tagged; they are verified with the programs that call them.
            continue
        for privileged, expected in ((True, spec.privileged), (False, spec.unprivileged)):
            if expected is not None:
                yield _trial(name, program, spec, expected, privileged, opened, found, why)


def _tags(data: bytes) -> dict[str, Expectation]:
    section = next((each for each in read_elf(data).sections if each.name == ".BTF"), None)
    try:
        return {} if section is None else tagged(Btf(section.data))
    except BtfError:
        return {}


def _trial(
    file: str,
    name: str,
    spec: Expectation,
    expected: Expected,
    privileged: bool,
    opened: Object | None,
    program: ObjectProgram | None,
    why: str,
) -> SelftestTrial:
    flags = (RUNNER_FLAGS & ~spec.cleared) | spec.flags
    trial = SelftestTrial(
        file, name, privileged, expected, None, spec.log_level, flags, unsupported=why, skipped=spec.skip
    )
    if opened is None or program is None:
        return trial
    if program.type in NOT_ALONE:
        return replace(trial, unsupported=NOT_ALONE[program.type])
    try:
        made = opened.program(program)
    except InputError as error:
        reason = error.reason if isinstance(error, ObjectError) else str(error)
        return replace(trial, unsupported=reason.removeprefix("unsupported: "))
    if any(each.type is MapType.ARENA for each in made.maps):
        return replace(trial, unsupported="arena: its loader maps it into its own memory")
    made = replace(made, maps=tuple(_set_up(file, each) for each in made.maps))
    wanted = expected.retval is not None and expected.success
    not_run = _not_run(made, spec) if wanted else ""
    case = Case(made, (RUN_INPUT,), name=f"{file}/{name}")
    if not privileged:
        typed = made if "CAP_BPF" in expected.capabilities else untyped(made)
        case = replace(case, program=typed, capabilities=expected.capabilities)
    return replace(trial, case=case, run=wanted and not not_run, not_run=not_run)


_SET_UP = {("verifier_array_access", "map_array_ro"), ("verifier_value_ptr_arith", "map_array_48b")}
"""Arrays whose first entry prog_tests/verifier.c fills before the programs of that file run
(init_value_array)."""
_FOO = struct.pack("<I", 7 * 4) + bytes(4 * 6) + struct.pack("<I", 0xABCDEF12)
"""``struct test_val``: the offset of foo[6] as its index, and foo[6]."""


def _set_up(file: str, spec: MapSpec) -> MapSpec:
    if (file, spec.name) not in _SET_UP or spec.value_size < len(_FOO):
        return spec
    return replace(spec, contents=((bytes(4), _FOO.ljust(spec.value_size, b"\0")),))


def _not_run(program: Program, spec: Expectation) -> str:
    if spec.linear_size:
        return "needs a packet that is partly linear"
    filled = sorted({each.type.name.lower() for each in program.maps if each.type in _FILLED_BY_LOADER})
    return f"the loader fills its {' and '.join(filled)}" if filled else ""
