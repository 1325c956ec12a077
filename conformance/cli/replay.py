"""``veridiff replay``: does a finding still show?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from conformance.cli.options import boot_option, images, json_option, kernel_option
from conformance.kernel.jobs import Lost
from conformance.kernel.peer import PEERS
from conformance.kernel.session import KernelSession
from conformance.peers import examine
from conformance.properties import PROPERTIES, Observation, PropertyKind
from conformance.properties.judgement import Disagreement
from conformance.properties.observation import plan
from ebpf import casefile
from ebpf.errors import InputError
from ebpf.rules import RULES
from generators.objects import ObjectFile
from generators.programs import Generated, Purpose
from reports.records import Finding, ObjectEvidence

COULD_NOT_TELL = 3


@click.command()
@click.argument("finding", type=click.Path(path_type=Path))
@kernel_option
@boot_option
@click.option("--times", type=click.IntRange(min=1), default=3, show_default=True, help="How often to try.")
@json_option
def replay(
    finding: Path, kernels: tuple[str, ...], boot_args: tuple[str, ...], times: int, as_json: bool
) -> int:
    """Show a finding again: a findings/ID directory, or its finding.json.

    The kernel is the one it was found on, with the same boot arguments, unless others are named. Exit status:
    1 when it still shows, 0 when not, 3 when that could not be told.
    """
    record = read(finding)
    look = _looker(record)
    results = []
    for image in images(kernels, record.kernel):
        with KernelSession.open(image, boot_args or record.boot_args) as session:
            shown = told = 0
            statement = ""
            for _ in range(times):
                found = look(session)
                if isinstance(found, Lost):
                    continue
                told += 1
                if found is not None:
                    shown, statement = shown + 1, found.statement
        results.append(
            {"kernel": image.name, "shown": shown, "times": times, "told": told, "statement": statement}
        )
        if not as_json:
            click.echo(
                f"{image.name}: shows {shown} of {times} times" + (f": {statement}" if statement else "")
            )
    if as_json:
        click.echo(
            msgspec.json.encode({"finding": record.id, "signature": record.signature, "kernels": results})
        )
    if any(result["shown"] for result in results):
        return 1
    return COULD_NOT_TELL if any(result["told"] != result["times"] for result in results) else 0


Looker = Callable[[KernelSession], Disagreement | Lost | None]
"""Asks once more: the same disagreement, none, or no answer."""


def _looker(record: Finding) -> Looker:
    if record.object is not None:
        return _object_looker(record, record.object)
    generated = restore(record)

    def look(session: KernelSession) -> Disagreement | Lost | None:
        job = plan(generated.case, 0)
        answer = session.run(job)
        return answer if isinstance(answer, Lost) else _same(record, Observation(generated, job, answer))

    return look


def _object_looker(record: Finding, evidence: ObjectEvidence) -> Looker:
    peer = next((peer for peer in PEERS if peer.name == evidence.peer), None)
    if peer is None:
        raise InputError(f"finding {record.id}: peer {evidence.peer!r} is not known to this version")
    made = ObjectFile(evidence.file, evidence.broken, evidence.field)

    def look(session: KernelSession) -> Disagreement | Lost | None:
        seen = examine(session, peer, made)
        found = next((each for each in seen.disagreements if each.signature == record.signature), None)
        return seen.theirs if found is None and isinstance(seen.theirs, Lost) else found

    return look


def _same(record: Finding, seen: Observation) -> Disagreement | None:
    """The disagreement that ``record`` is about, in an observation.

    An execution's culprit was found by trials that are not repeated here: the engine that is wrong is what
    must be the same.
    """
    kind = PropertyKind(record.kind.value)
    parts = 2 if kind is PropertyKind.EXECUTION else None
    wanted = record.signature.split(":")[:parts]
    for judgement in PROPERTIES[kind](seen):
        if isinstance(judgement, Disagreement) and judgement.signature.split(":")[:parts] == wanted:
            return judgement
    return None


def read(path: Path) -> Finding:
    """The record at ``path``.  Raises :class:`InputError` naming the file and the reason."""
    file = path / "finding.json" if path.is_dir() else path
    try:
        return msgspec.json.decode(file.read_bytes(), type=Finding)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise InputError(f"{file}: {error}") from None


def restore(record: Finding) -> Generated:
    """The case as the properties want it: a rule finding says which rule it breaks, and where, in its
    signature and listing."""
    case = casefile.from_plain(record.case, f"finding {record.id}")
    if record.kind.value != PropertyKind.RULE.value:
        return Generated(case, Purpose.DARING)
    name = record.signature.split(":")[1]
    at = next((row.index for row in record.listing if row.culprit), None)
    if name not in RULES or at is None:
        raise InputError(
            f"finding {record.id}: rule {name!r} or its instruction is not known to this version"
        )
    return Generated(case, Purpose.NEAR_MISS, RULES[name], at)
