"""What kernels say of a corpus' programs, asked now."""

from __future__ import annotations

from dataclasses import replace

from conformance.corpus.judging import CorpusSubject
from conformance.corpus.records import Measured
from conformance.kernel.features import probe
from conformance.kernel.image import Image
from conformance.kernel.jobs import Attempt, Jit, Job, KernelAnswer, KernelVerdict
from conformance.kernel.session import KernelSession
from conformance.kernel.verdicts import judge_answer
from conformance.objects.untyped import types_refused, untyped
from ebpf.program import Case
from ebpf.program_types import ProgramType

NOT_ALONE = {
    ProgramType.EXT: "replaces a function of another program",
    ProgramType.STRUCT_OPS: "struct_ops: the map gives the program its type, from the running kernel",
}
"""Programs of an object that no kernel takes without something else of it."""


def _empty_maps(case: Case) -> Case:
    """The case with nothing in its maps: a verifier does not look, and some maps cannot be filled from
    outside."""
    maps = tuple(replace(spec, contents=()) for spec in case.program.maps)
    return replace(case, program=replace(case.program, maps=maps))


def ask(
    every: list[CorpusSubject], images: tuple[Image, ...], *, types_are_optional: bool = False
) -> list[CorpusSubject]:
    """The subjects with what each kernel says; where one gives no verdict it is left out.  Nothing is run.

    ``types_are_optional``: as to libbpf, which loads a program without those that a kernel refuses.
    """
    measured: list[list[Measured]] = [[] for _ in every]
    for image in images:
        with KernelSession.open(image) as session:
            features = probe(session)
            for number, subject in enumerate(every):
                case = _empty_maps(subject.case)
                answer = session.run(Job(case, (Attempt(Jit.ON, 1, run=False),)))
                if types_are_optional and types_refused(answer):
                    case = replace(case, program=untyped(case.program))
                    answer = session.run(Job(case, (Attempt(Jit.ON, 1, run=False),)))
                ruling = judge_answer(answer, 0, features.support(subject.case.program))
                if isinstance(answer, KernelAnswer) and ruling.verdict in (
                    KernelVerdict.ACCEPT,
                    KernelVerdict.REJECT,
                ):
                    measured[number].append(
                        Measured(
                            features.release,
                            subject.privileged,
                            ruling.verdict is KernelVerdict.ACCEPT,
                            ruling.errno or 0,
                            ruling.message or "",
                            (),
                            "",
                            0,
                        )
                    )
    return [replace(subject, measured=tuple(told)) for subject, told in zip(every, measured, strict=True)]
