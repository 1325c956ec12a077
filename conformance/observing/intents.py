"""Whether a program still breaks what a near miss was made to break, once it was edited: only an oracle
knows."""

from __future__ import annotations

from dataclasses import replace

from conformance.observing.observation import Observation
from conformance.observing.opinions import linux, replays
from ebpf.intent import Intent


def is_broken(observation: Observation, intent: Intent) -> bool:
    """Whether the reference verifier finds the rule broken at that instruction, or a run breaks it there
    whatever addresses and chance are."""
    answer = observation.reference
    if answer is not None:
        policy = {(each.rule, each.at) for each in answer.refused_by(linux(observation.release))}
        if (intent.rule, intent.at) in policy | {(answer.rule, answer.at)}:
            return True
    case = observation.case
    return any(replays(replace(case, inputs=(data,)), intent.rule, intent.at) for data in case.inputs)
