"""What kernels say of a corpus' programs, asked now."""

from __future__ import annotations

from dataclasses import replace

from conformance.corpus.judging import Subject
from conformance.corpus.records import Measured
from conformance.kernel.features import probe
from conformance.kernel.image import Image
from conformance.kernel.jobs import Answer, Attempt, Jit, Job, Verdict
from conformance.kernel.session import KernelSession
from conformance.kernel.verdicts import judge_answer
from ebpf.program import Case


def _empty_maps(case: Case) -> Case:
    """The case with nothing in its maps: a verifier does not look, and some maps cannot be filled from outside."""
    maps = tuple(replace(spec, contents=()) for spec in case.program.maps)
    return replace(case, program=replace(case.program, maps=maps))


def ask(every: list[Subject], images: tuple[Image, ...]) -> list[Subject]:
    """The subjects with what each kernel says; where one gives no verdict it is left out.  Nothing is run."""
    measured: list[list[Measured]] = [[] for _ in every]
    for image in images:
        with KernelSession.open(image) as session:
            features = probe(session)
            for number, subject in enumerate(every):
                answer = session.run(Job(_empty_maps(subject.case), (Attempt(Jit.ON, 1, run=False),)))
                ruling = judge_answer(answer, 0, features.support(subject.case.program))
                if isinstance(answer, Answer) and ruling.verdict in (Verdict.ACCEPT, Verdict.REJECT):
                    measured[number].append(Measured(
                        features.release, subject.privileged, ruling.verdict is Verdict.ACCEPT, ruling.errno or 0,
                        ruling.message or "", (), "", 0,
                    ))  # fmt: skip
    return [replace(subject, measured=tuple(told)) for subject, told in zip(every, measured, strict=True)]
