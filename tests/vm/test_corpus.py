"""Programs nobody here wrote, with verdicts measured by another runner: ours gets the same ones."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import Any

import pytest

from conformance.kernel.features import Features, probe
from conformance.kernel.image import Image
from conformance.kernel.jobs import Attempt, Job, KernelAnswer, KernelVerdict
from conformance.kernel.session import KernelSession
from conformance.kernel.verdicts import judge_answer
from ebpf.isa.insn import Insn, decode
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, LoadFlag, Program
from ebpf.program_types import AttachType, ProgramType
from tests.vm.conftest import SHARED

pytestmark = [pytest.mark.vm, pytest.mark.shared]
MEASURED = ("6.1.0-50-", "6.12.107+deb")
"""Patch levels matter: later ones of 6.1 say other things of a dozen programs."""
SLOW = {"old6.1/810", "old6.1/811"}  # up to a million instructions processed, and as many lines of log
TARGETED = (ProgramType.TRACING, ProgramType.LSM, ProgramType.STRUCT_OPS, ProgramType.EXT)
CORPUS = SHARED / "corpus" / "selftests-6.1.json.gz"


def records() -> list[dict[str, Any]]:
    if not CORPUS.exists():
        pytest.skip(f"needs the development data in {CORPUS}")
    with gzip.open(CORPUS) as file:
        every: list[dict[str, Any]] = json.load(file)
    return [record for record in every if is_plain(record)]


def is_plain(record: dict[str, Any]) -> bool:
    """Without types of BTF and targets, which the runner that measured made up, without descriptors that are
    wrong on purpose, and without those that take a minute under TCG."""
    if record["n_insns"] > 2000 or record["id"] in SLOW or ProgramType(record["prog_type_id"]) in TARGETED:
        return False
    if any(
        spec.get("fields") or spec["type"] not in MapType.__members__ or spec.get("inner")
        for spec in record["maps"]
    ):
        return False
    if any(reloc["kind"] not in ("map_fd", "map_value") for reloc in record["relocs"]):
        return False
    known = {reloc["insn"] for reloc in record["relocs"]}
    return all(
        at in known for at, insn in enumerate(code(record)) if insn.opcode == 0x18 and insn.src in (1, 2)
    ) and not any(insn.opcode == 0x85 and insn.src == 2 for insn in code(record))


def code(record: dict[str, Any]) -> tuple[Insn, ...]:
    if "insns" in record:
        return decode(bytes.fromhex(record["insns"]))
    return decode(zlib.decompress(base64.b64decode(record["insns_zb64"])))


def job(record: dict[str, Any]) -> Job:
    maps = tuple(
        [
            MapSpec(MapType[m["type"]], m["key_size"], m["value_size"], m["max_entries"], m["map_flags"])
            for m in record["maps"]
        ]
    )
    program = Program(
        ProgramType(record["prog_type_id"]),
        code(record),
        maps,
        AttachType(record["expected_attach_type"]),
        None,
        record["license"],
        LoadFlag(record["prog_flags"]),
    )
    return Job(Case(program, (Input(bytes(64)),)), (Attempt(run=False), Attempt(capabilities=(), run=False)))


def series(image: Image) -> str:
    return ".".join(image.version.split(".")[:2])


def test_verdicts_and_messages_are_those_another_runner_got(kernel: KernelSession, image: Image) -> None:
    if not image.version.startswith(MEASURED):
        pytest.skip(f"nothing was measured on {image.version}")
    every = [record for record in records() if series(image) in record["measured"]]
    features = probe(kernel)
    answers = kernel.run_all([job(record) for record in every])
    wrong, judged = [], 0
    for record, answer in zip(every, answers, strict=True):
        assert isinstance(answer, KernelAnswer), record["name"]
        for attempt, mode in enumerate(("priv", "unpriv")):
            measured = record["measured"][series(image)].get(mode)
            if measured is None or measured.get("env"):
                continue
            got = judgement(features, answer, attempt, job(record))
            judged += 1
            if not agrees(got, measured):
                wrong.append(
                    f"{record['id']} {mode}: {got.verdict.value} {got.reason} {got.message!r}, measured "
                    f"{measured}"
                )
    assert judged > 1000
    assert wrong == []


def judgement(features: Features, answer: KernelAnswer, attempt: int, asked: Job) -> Any:
    return judge_answer(answer, attempt, features.support(asked.case.program))


def agrees(got: Any, measured: dict[str, Any]) -> bool:
    if measured["verdict"] == "ACCEPT":
        return got.verdict is KernelVerdict.ACCEPT
    if "msg" not in measured:
        return got.verdict in (KernelVerdict.NONE, KernelVerdict.REJECT)
    # what a feature explains is no verdict here, and was one there; that runner took an odd line for an
    # infinite loop
    return (
        got.message in (measured["msg"], "infinite loop detected at insn 1")
        or got.verdict is KernelVerdict.UNSUPPORTED
    )
