"""Rows for what must be given back: sockets, records, locks; and loops without end."""

from __future__ import annotations

from ebpf import rules
from ebpf.program_types import ProgramType
from tests.contract.rows import ARRAY, HASH, LOCKED, PROGRAMS, RECORDS, SOCKETS, WORDS, Returns, Row, Traps

_CLASSIFIER = ProgramType.SCHED_CLS
_TUPLE = "r2 = r10; r2 += -16; *(u64 *)(r10 -16) = 0; *(u32 *)(r10 -8) = 0; r3 = 12; r4 = 0; r5 = 0; "
LOOKUP = _TUPLE + "call bpf_sk_lookup_tcp#84; "
"""Eight slots."""
HELD = LOOKUP + "r6 = r0; if r0 == 0 goto pc+{}; "
"""R6 is the socket, or null and the program goes on ``{}`` slots later; two slots more."""
RELEASE = "r1 = r6; call bpf_sk_release#86; "


def _row(name: str, text: str, expected: Returns | Traps, *script: int) -> Row:
    return Row(name, text, expected, type=_CLASSIFIER, helpers=script)


REFERENCES = (
    _row("a socket that is not there", HELD.format(2) + RELEASE + "r0 = 7; exit", Returns(7), 0),
    _row("a socket is released", HELD.format(2) + RELEASE + "r0 = 7; exit", Returns(7), 1, 0),
    _row("a socket is not released", LOOKUP + "r0 = 0; exit", Traps(rules.REFERENCE_LEAK, 9), 1),
    _row("a socket is not released where none was found", LOOKUP + "r0 = 0; exit", Returns(0), 0),
    _row("a socket is lost", HELD.format(0) + "r6 = 0; r0 = 0; exit", Traps(rules.REFERENCE_LEAK, 12), 1),
    _row("a socket is released twice", HELD.format(4) + RELEASE * 2 + "r0 = 7; exit",
         Traps(rules.USE_AFTER_RELEASE, 13), 1, 0, 0),
    _row("null is released", LOOKUP + "r1 = r0; call bpf_sk_release#86; r0 = 0; exit",
         Traps(rules.HELPER_ARGUMENT, 9), 0),
    _row("a released socket is read", HELD.format(3) + RELEASE + "r0 = *(u32 *)(r6 +4); r0 = 7; exit",
         Traps(rules.USE_AFTER_RELEASE, 12), 1, 0),
    _row("a socket is read where it has nothing", HELD.format(1) + "r0 = *(u64 *)(r6 +4); exit",
         Traps(rules.SOCKET_ACCESS, 10), 1),
    _row("a socket is written", HELD.format(1) + "*(u32 *)(r6 +16) = 1; exit", Traps(rules.READ_ONLY, 10), 1),
    _row("a socket that is not there is read", LOOKUP + "r0 = *(u32 *)(r0 +4); exit",
         Traps(rules.NULL_DEREFERENCE, 8), 0),
    _row("a second view of a socket is released",
         HELD.format(4) + "r1 = r6; call bpf_tcp_sock#96; if r0 == 0 goto pc+0; "
         + RELEASE + "r0 = 7; exit", Returns(7), 1, 1, 0),
    _row("a second view lives as long as the first",
         HELD.format(7) + "r1 = r6; call bpf_tcp_sock#96; r7 = r0; "
         "if r0 == 0 goto pc+3; " + RELEASE + "r0 = *(u32 *)(r7 +0); r0 = 7; exit",
         Traps(rules.USE_AFTER_RELEASE, 16), 1, 1, 0),
    _row("a number is released", "r1 = 5; call bpf_sk_release#86; r0 = 0; exit",
         Traps(rules.HELPER_ARGUMENT, 1)),
    _row("a packet load ends the program with a socket held",
         "r6 = r1; " + LOOKUP + "r0 = *(u8 *)skb[200]; r0 = 0; exit",
         Traps(rules.REFERENCE_LEAK, 9), 1),
    Row("a tail call that comes back keeps what is held",
        "r7 = r1; " + LOOKUP + "r6 = r0; r1 = r7; r2 = map[0]; r3 = 0; "
        "call bpf_tail_call#12; if r6 == 0 goto pc+2; " + RELEASE + "r0 = 3; exit", Returns(3), (PROGRAMS,),
        _CLASSIFIER,
        helpers=(1, 0)),
)  # fmt: skip

_FOUND = "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
FROM_MAPS = (
    Row(
        "a socket from a map is released",
        _FOUND + "if r0 == 0 goto pc+2; r1 = r0; call bpf_sk_release#86; r0 = 7; exit",
        Returns(7),
        (SOCKETS,),
        _CLASSIFIER,
        helpers=(1, 0),
    ),
    Row(
        "a socket from a map is not released",
        _FOUND + "r0 = 0; exit",
        Traps(rules.REFERENCE_LEAK, 7),
        (SOCKETS,),
        _CLASSIFIER,
        helpers=(1,),
    ),
    Row("no socket is in the map", _FOUND + "r0 = 0; exit", Returns(0), (SOCKETS,), _CLASSIFIER),
)

_RESERVE = "r1 = map[0]; r2 = {}; r3 = 0; call bpf_ringbuf_reserve#131; "
_RECORD = _RESERVE.format(16) + "if r0 == 0 goto pc+{}; r6 = r0; "
"""R6 is the record; slot 6 is the next."""
_SUBMIT = "r1 = r6; r2 = 0; call bpf_ringbuf_submit#132; "


def _record(name: str, text: str, expected: Returns | Traps, *script: int, privileged: bool = True) -> Row:
    return Row(name, text, expected, (RECORDS,), helpers=script, privileged=privileged)


RECORD_ROWS = (
    _record("a record is submitted", _RECORD.format(5) + "*(u64 *)(r6 +8) = 5; " + _SUBMIT + "r0 = 1; exit",
            Returns(1), 1),
    _record("no record is left", _RECORD.format(5) + "*(u64 *)(r6 +8) = 5; " + _SUBMIT + "r0 = 1; exit",
            Returns(1), 0),
    _record("what a record holds",
            _RECORD.format(6) + "*(u64 *)(r6 +8) = 5; r7 = *(u32 *)(r6 +8); " + _SUBMIT + "r0 = r7; exit",
            Returns(5), 1),
    _record("a record is discarded", _RECORD.format(4) + _SUBMIT.replace("submit#132",
        "discard#133") + "r0 = 1; exit", Returns(1),
            1),
    _record("a record is kept", _RESERVE.format(16) + "r0 = 0; exit", Traps(rules.REFERENCE_LEAK, 6), 1),
    _record("behind the record", _RECORD.format(4) + "*(u64 *)(r6 +12) = 5; exit",
            Traps(rules.MEMORY_BOUNDS, 7), 1),
    _record("before the record", _RECORD.format(4) + "*(u8 *)(r6 -1) = 5; exit",
            Traps(rules.MEMORY_BOUNDS, 7), 1),
    _record("a record that is not there", _RESERVE.format(16) + "*(u8 *)(r0 +0) = 5; exit",
            Traps(rules.NULL_DEREFERENCE, 5), 0),
    _record("a submitted record is written", _RECORD.format(5) + _SUBMIT + "*(u8 *)(r6 +0) = 5; r0 = 0; exit",
            Traps(rules.USE_AFTER_RELEASE, 10), 1),
    _record("a record is submitted twice", _RECORD.format(7) + _SUBMIT * 2 + "r0 = 0; exit",
            Traps(rules.USE_AFTER_RELEASE, 12), 1),
    _record("the middle of a record is submitted", _RECORD.format(5) + "r6 += 8; " + _SUBMIT + "r0 = 0; exit",
            Traps(rules.HELPER_ARGUMENT, 10), 1),
    Row("a record from a map that has none", _RESERVE.format(16) + "exit", Traps(rules.MAP_HELPER, 4),
        (HASH,)),
)  # fmt: skip

_VALUE = "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == 0 goto pc+{}; r6 = r0; "
"""R6 is the value; slot 8 is the next."""
_LOCK = "r1 = r6; r1 += 4; call bpf_spin_lock#93; "
_UNLOCK = "r1 = r6; r1 += 4; call bpf_spin_unlock#94; "


def _locked(name: str, text: str, expected: Returns | Traps) -> Row:
    return Row(name, _VALUE.format(0) + text, expected, (LOCKED,), _CLASSIFIER)


LOCKS = (
    _locked("locked and unlocked", _LOCK + "*(u32 *)(r6 +0) = 9; " + _UNLOCK + "r0 = *(u32 *)(r6 +0); exit",
            Returns(9)),
    _locked("locked at exit", _LOCK + "r0 = 0; exit", Traps(rules.LOCK_HELD_AT_EXIT, 12)),
    _locked("locked twice", _LOCK * 2 + "r0 = 0; exit", Traps(rules.LOCK_TWICE, 13)),
    _locked("unlocked without a lock", _UNLOCK + "r0 = 0; exit", Traps(rules.UNLOCK_UNHELD, 10)),
    _locked("a helper under a lock", _LOCK + "call bpf_get_prandom_u32#7; " + _UNLOCK + "r0 = 0; exit",
            Traps(rules.CALL_UNDER_LOCK, 11)),
    _locked("a function under a lock", _LOCK + "call pc+5; " + _UNLOCK + "r0 = 8; exit; r0 = 0; exit",
            Returns(8)),
    _locked("the lock is read", "r0 = *(u32 *)(r6 +4); exit", Traps(rules.SPECIAL_FIELD, 8)),
    _locked("the lock is written in part", "*(u8 *)(r6 +7) = 1; r0 = 0; exit", Traps(rules.SPECIAL_FIELD, 8)),
    _locked("across the lock", "r0 = *(u64 *)(r6 +0); exit", Traps(rules.SPECIAL_FIELD, 8)),
    _locked("beside the lock", "r0 = *(u64 *)(r6 +8); exit", Returns(0)),
    _locked("a lock where none is", _LOCK.replace("+= 4", "+= 8") + "r0 = 0; exit",
            Traps(rules.HELPER_ARGUMENT, 10)),
    Row("a lock in a map without one", _VALUE.format(0) + _LOCK + "r0 = 0; exit",
        Traps(rules.HELPER_ARGUMENT, 10), (ARRAY,),
        _CLASSIFIER),
)  # fmt: skip

LOOPS = (
    Row("a loop that does nothing", "r0 = 0; goto pc-1; exit", Traps(rules.INFINITE_LOOP, 1)),
    Row("a loop that comes back to its start",
        "r0 = 0; r1 = 3; r1 += -1; r1 += -1; if r1 == 1 goto pc-4; exit",
        Traps(rules.INFINITE_LOOP, 4)),
    Row("a loop that writes the same", "r0 = 0; *(u64 *)(r10 -8) = 5; goto pc-2; exit",
        Traps(rules.INFINITE_LOOP, 2)),
    Row("a loop over two values", "r0 = 0; r0 ^= 1; goto pc-2; exit", Traps(rules.INFINITE_LOOP, 2)),
    Row("a loop that counts in a register", "r0 = 0; r0 += 1; if r0 < 300 goto pc-2; exit", Returns(300)),
    Row("a loop that counts in memory",
        "r0 = 0; *(u64 *)(r10 -8) = 0; r1 = *(u64 *)(r10 -8); r1 += 1; *(u64 *)(r10 -8) = r1; "
        "if r1 > 300 goto pc+2; r1 = 0; goto pc-6; exit", Returns(0)),
    Row("a loop that counts in a map",
        "r0 = 0; r6 = map[0][0]+0; r1 = *(u32 *)(r6 +4); r1 += 1; *(u32 *)(r6 +4) = r1; "
        "if r1 > 300 goto pc+2; r1 = 0; goto pc-6; exit", Returns(0), (WORDS,)),
    Row("a function that calls in a loop", "call pc+1; goto pc-2; r0 = 0; exit",
        Traps(rules.INFINITE_LOOP, 1)),
)  # fmt: skip

ROWS: tuple[Row, ...] = (*REFERENCES, *FROM_MAPS, *RECORD_ROWS, *LOCKS, *LOOPS)
