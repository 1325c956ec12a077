"""Tables that are data: rules, program types, helpers, contexts."""

from __future__ import annotations

import re

import pytest

from ebpf.helper_names import HELPER_NAMES, HELPER_NUMBERS
from ebpf.maps import MapType
from ebpf.program import LoadFlag
from ebpf.program_types import AttachType, ProgramType
from ebpf.rules import RULES, Phase, Rule, RuleClass


@pytest.mark.parametrize("rule", RULES.values(), ids=str)
def test_a_rule_says_what_where_and_since_when(rule: Rule) -> None:
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", rule.name)
    assert RULES[str(rule)] is rule
    assert re.match(r"(kernel|net)/[\w/]+\.c: \w+(, \w+)*$", rule.source)
    assert rule.statement[0].islower() or rule.statement.startswith(("R0", "R1"))
    assert not rule.statement.endswith(".")
    assert re.fullmatch(r"\d+\.\d+", rule.since)


def test_every_class_and_phase_that_kernels_have_is_used_or_known_not_to_be() -> None:
    assert {rule.rule_class for rule in RULES.values()} >= set(RuleClass)
    assert {rule.phase for rule in RULES.values()} >= {Phase.CFG, Phase.WALK, Phase.LOAD}
    assert {rule.name for rule in RULES.values() if rule.unprivileged} == {
        "uninitialised-stack",
        "pointer-leak",
        "pointer-comparison",
        "back-edge",
        "variable-stack",
        "privileged-call",
        "confidential-load",
    }


def test_numbers_of_the_kernels_interface() -> None:
    """include/uapi/linux/bpf.h, some from each end of every list."""
    assert (ProgramType.SOCKET_FILTER, ProgramType.XDP, ProgramType.TRACING, ProgramType.NETFILTER) == (
        1,
        6,
        26,
        32,
    )
    assert (
        AttachType.CGROUP_INET_INGRESS,
        AttachType.TRACE_FENTRY,
        AttachType.XDP,
        AttachType.TRACE_KPROBE_SESSION,
    ) == (0, 24, 37, 56)
    assert (MapType.HASH, MapType.ARRAY, MapType.RINGBUF, MapType.ARENA, MapType.INSN_ARRAY) == (
        1,
        2,
        27,
        33,
        34,
    )
    assert (LoadFlag.STRICT_ALIGNMENT, LoadFlag.TEST_STATE_FREQ, LoadFlag.TEST_REG_INVARIANTS) == (1, 8, 128)
    numbers = {
        "map_lookup_elem": 1,
        "get_prandom_u32": 7,
        "tail_call": 12,
        "skb_load_bytes": 26,
        "ringbuf_output": 130,
        "loop": 181,
        "strncmp": 182,
        "dynptr_from_mem": 197,
        "cgrp_storage_delete": 211,
    }
    assert {name: HELPER_NUMBERS[name] for name in numbers} == numbers
    assert len(HELPER_NAMES) == len(HELPER_NUMBERS) == 212
