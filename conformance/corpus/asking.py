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


def ask(every: list[Subject], images: tuple[Image, ...]) -> list[Subject]:
    """The subjects with what each kernel says; where one gives no verdict it is left out.  Nothing is run."""
    measured: list[list[Measured]] = [[] for _ in every]
    for image in images:
        with KernelSession.open(image) as session:
            features = probe(session)
            for number, subject in enumerate(every):
                answer = session.run(Job(subject.case, (Attempt(Jit.ON, 1, run=False),)))
                ruling = judge_answer(answer, 0, features.support(subject.case.program))
                if isinstance(answer, Answer) and ruling.verdict in (Verdict.ACCEPT, Verdict.REJECT):
                    measured[number].append(Measured(
                        features.release, subject.privileged, ruling.verdict is Verdict.ACCEPT, ruling.errno or 0,
                        ruling.message or "", (), "", 0,
                    ))  # fmt: skip
    return [replace(subject, measured=tuple(told)) for subject, told in zip(every, measured, strict=True)]
