"""Packets as words, and words as packets."""

from __future__ import annotations

import random
from collections.abc import Iterator

from conformance.observing.observation import Observation
from ebpf.byte_order import ByteOrder
from ebpf.contexts import CONTEXTS
from ebpf.program import Input
from ebpf.program_types import ProgramType
from generators.inputs import constants_of, word_for

WORDS = 8
"""Words of packet that a program may load: the most that generated ones do."""
SAMPLES = 96


def header(kind: ProgramType) -> int | None:
    """Bytes of link header that programs of a type do not see; None for a type whose packet is not
    followed."""
    return CONTEXTS[kind].link_header if kind is ProgramType.SOCKET_FILTER else None


def words_of(data: Input, skipped: int, order: ByteOrder) -> tuple[int, ...] | None:
    """The first words after the link header; None for a packet too short to have them."""
    packet = data.packet[skipped : skipped + 8 * WORDS]
    if len(packet) < 8 * WORDS:
        return None
    return tuple(order.number(packet[at : at + 8]) for at in range(0, 8 * WORDS, 8))


def input_of(words: tuple[int, ...], skipped: int, order: ByteOrder) -> Input:
    """A packet of these words."""
    return Input(bytes(skipped) + b"".join(order.bytes(word, 8) for word in words))


def samples(observation: Observation) -> Iterator[tuple[int, ...]]:
    """More inputs full of the program's own constants; always the same ones for a program."""
    insns = observation.case.program.instructions
    rng = random.Random(len(insns))
    constants = constants_of(insns)
    for _ in range(SAMPLES):
        yield tuple(word_for(rng, constants, observation.byte_order) for _ in range(WORDS))
