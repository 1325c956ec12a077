"""Rows for timers and work queues in map values, and for functions that are called later."""

from __future__ import annotations

from ebpf import rules
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program_types import ProgramType
from tests.contract.rows import HASH, Returns, Row, Traps

_TIMER = MapSpec(MapType.ARRAY, 4, 32, 1, fields=(MapField(8, MapFieldKind.TIMER),))
_QUEUE = MapSpec(MapType.ARRAY, 4, 32, 1, fields=(MapField(8, MapFieldKind.WORKQUEUE),))
_TIMER_INIT = "r1 = map[0][0]+{}; r2 = map[{}]; r3 = 0; call bpf_timer_init#169; r0 = 0; exit"
_QUEUE_INIT = "r1 = map[0][0]+{}; r2 = map[{}]; r3 = 0; call kfunc bpf_wq_init; r0 = 0; exit"


def _row(name: str, text: str, value: MapSpec, expected: Returns | Traps, *script: int) -> Row:
    return Row(name, text, expected, (value, HASH), ProgramType.SCHED_CLS, helpers=script)


ROWS = (
    _row("a timer is initialised", _TIMER_INIT.format(8, 0), _TIMER, Returns(0), 0),
    _row("a timer is initialised for another map", _TIMER_INIT.format(8, 1), _TIMER,
         Traps(rules.HELPER_ARGUMENT, 5)),
    _row("a timer is initialised where there is none", _TIMER_INIT.format(0, 0), _TIMER,
         Traps(rules.HELPER_ARGUMENT, 5)),
    _row("a work queue is taken for a timer", _TIMER_INIT.format(8, 0), _QUEUE,
         Traps(rules.HELPER_ARGUMENT, 5)),
    _row("a timer is read", "r1 = map[0][0]+0; r0 = *(u32 *)(r1 +20); exit", _TIMER,
         Traps(rules.SPECIAL_FIELD, 2)),
    _row("a work queue is initialised", _QUEUE_INIT.format(8, 0), _QUEUE, Returns(0), 0),
    _row("a work queue is initialised for another map", _QUEUE_INIT.format(8, 1), _QUEUE,
         Traps(rules.HELPER_ARGUMENT, 5)),
    _row("a work queue is initialised beside it", _QUEUE_INIT.format(12, 0), _QUEUE,
         Traps(rules.HELPER_ARGUMENT, 5)),
)  # fmt: skip
