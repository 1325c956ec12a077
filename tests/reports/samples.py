"""A small run to render: a soundness finding, a known one whose texts try to break out of the page, and a
lost machine."""

from __future__ import annotations

from typing import Any

from ebpf import casefile
from ebpf.assembly import listing
from reports.records import (
    Cell,
    Finding,
    FormCount,
    GapCount,
    KernelRun,
    ListingRow,
    LossRecord,
    ProductionCount,
    ProgramCounts,
    Provenance,
    Reproduced,
    RunSummary,
    Severity,
    Status,
    VerdictRecord,
)

HOSTILE = '</pre><script>alert("x")</script>&<img src=x onerror=alert(1)>'

CASE: dict[str, Any] = {
    "format": "veridiff-case/1",
    "name": "mov32-imm-sext",
    "program": {
        "type": "socket_filter",
        "instructions": "620afcff00000000bf19000000000000bfa200000000000007020000fcffffff18110000000000000000000000000000"
        "85000000010000001500080000000000bf070000000000007976000000000000b4060000ffffffff0706000001000000"
        "770600001d0000000f67000000000000717000000000000095000000000000"
        "00b7000000000000009500000000000000",
        "maps": [
            {
                "type": "array",
                "key_size": 4,
                "value_size": 8,
                "max_entries": 64,
                "name": "m0",
                "contents": {"00000000": "0000000000000000", "01000000": "4100000000000000"},
            }
        ],
    },
    "inputs": [{}, {"packet": "0011223344556677889900112233445566778899aabbccddeeff", "context": ""}],
}

LOG = """\
func#0 @0
0: R1=ctx() R10=fp0
10: (b4) w6 = -1                      ; R6=0xffffffffffffffff
11: (07) r6 += 1                      ; R6=0
12: (77) r6 >>= 29                    ; R6=0
13: (0f) r7 += r6                     ; R7=map_value(map=m0,ks=4,vs=8) R6=0
14: (71) r0 = *(u8 *)(r7 +0)          ; R0=scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))
15: (95) exit
processed 17 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 0
"""

PROVENANCE = Provenance(
    versions={"veridiff": "0.1.0", "python": "3.11.2", "hypothesis": "6.150.0", "z3": "5.4.1"},
    seed=42,
    command="./veridiff run --kernel debian:6.12 --minutes 10 --seed 42",
    date="2026-11-22T15:00:00Z",
    git="66dc57f",
    kernel_release="6.12.117+deb13-cloud-amd64",
    qemu="10.0.2",
    accelerator="tcg",
)


def rows() -> tuple[ListingRow, ...]:
    """The listing of the sample, with a culprit at 10."""
    opinions: dict[int, tuple[str, str, str, str]] = {
        10: (
            "R6=0xffffffffffffffff",
            "r6 = 0x00000000ffffffff",
            "r6 = 0xffffffff",
            "w6 = -1 clears the upper half of r6",
        ),
        11: ("R6=0", "r6 = 0x0000000100000000", "r6 = 0x100000000", ""),
        12: ("R6=0", "r6 = 8", "r6 = 8", ""),
        13: ("R7=map_value(map=m0,ks=4,vs=8)", "r7 = m0[0] + 8", "r7 = m0[0] + 8", ""),
        14: (
            "R0=scalar(umax=255,var_off=(0x0; 0xff))",
            "trap: 8 is past the end of a value of 8 bytes",
            "unsafe",
            "",
        ),
    }
    case = casefile.from_plain(CASE)
    made = []
    for index, text in listing(case.program.instructions):
        claim, value, reference, note = opinions.get(index, (None, None, None, ""))
        made.append(ListingRow(index, text, claim, value, reference, index == 10, note))
    return tuple(made)


def finding(**changes: Any) -> Finding:
    """The soundness finding, with changes."""
    fields: dict[str, Any] = {
        "id": "1f3a9c0de4b7a211",
        "kind": "soundness",
        "statement": "The kernel accepts a program that reads 1 byte past the end of a map value.",
        "explanation": "A 32-bit move clears the upper half of its destination; the verifier sign-extends "
        "the immediate instead.",
        "severity": Severity.CRITICAL,
        "signature": "soundness/map_value-out-of-bounds/alu32-mov-k",
        "kernel": "debian:6.12.117-1",
        "case": CASE,
        "provenance": PROVENANCE,
        "listing": rows(),
        "witness": 1,
        "outcome": "trapped at 14: read of m0[0] at 8, size 1",
        "should_accept": False,
        "log": LOG,
        "verdicts": (
            VerdictRecord(
                "debian:6.1.192-2",
                "reject",
                "invalid access to map value, value_size=8 off=8 size=1",
                "6.1.0-56",
            ),
            VerdictRecord("debian:6.12.117-1", "accept", "", "6.12.117+deb13-cloud-amd64"),
            VerdictRecord("debian:7.3.4-1~bpo13+1", "accept", "", "7.3.4+deb13-cloud-amd64"),
        ),
        "reproduced": Reproduced(10, 10),
        "reproducers": {
            "c": "reproducer.c",
            "selftest": "selftest.c",
            "hex": "program.hex",
            "case": "case.json",
        },
    }
    return Finding(**fields | changes)


def hostile() -> Finding:
    """A known finding whose every text is an attack on the page."""
    return finding(
        id="beefbeefbeefbeef",
        kind="health",
        severity=Severity.MEDIUM,
        status=Status.KNOWN,
        known_as=f"KI-7 {HOSTILE}",
        statement=f"The kernel warns about itself: {HOSTILE}",
        signature=f"health/{HOSTILE}",
        log=HOSTILE,
        outcome=HOSTILE,
        should_accept=None,
        listing=(ListingRow(0, HOSTILE, HOSTILE, HOSTILE, HOSTILE, True, HOSTILE),),
        verdicts=(VerdictRecord(HOSTILE, "lost", HOSTILE, HOSTILE),),
        reproduced=Reproduced(3, 10),
    )


def cells() -> tuple[Cell, ...]:
    """Two kernels × five properties: one disagrees, one judged nothing."""
    floors = {"soundness": 5000, "rule": 500, "bounds": 5000, "execution": 5000, "health": 5000}
    found = []
    for kernel in ("debian:6.12.117-1", "debian:5.10.262-1"):
        for kind, floor in floors.items():
            silent = kernel.startswith("debian:5.10") and kind == "bounds"
            wrong = 2 if kernel.startswith("debian:6.12") and kind == "soundness" else 0
            judged = 0 if silent else 8123
            abstained = (
                {"no claims below 6.1": 24800} if silent else {"not accepted": 930, "unknown (rlimit)": 12}
            )
            found.append(
                Cell(
                    kernel=kernel,
                    kind=kind,
                    judged=judged,
                    agreed=judged - wrong,
                    disagreements=wrong,
                    floor=floor,
                    abstained=abstained,
                )
            )
    return tuple(found)


def summary(**changes: Any) -> RunSummary:
    """Ten minutes on two kernels."""
    fields: dict[str, Any] = {
        "complete": True,
        "started": "2026-11-22T14:50:00Z",
        "seconds": 601.2,
        "seed": 42,
        "command": "./veridiff run --kernel debian:6.12 --kernel debian:5.10 --minutes 10 --seed 42",
        "git": "66dc57f",
        "versions": PROVENANCE.versions,
        "programs": ProgramCounts(
            judged=24813,
            accepted=19120,
            meant_valid=18600,
            meant_valid_accepted=17411,
            near_misses=3722,
            near_misses_refused=3720,
            mutations=2491,
            distinct=24790,
            unprivileged=5010,
            median_instructions=27.0,
            median_processed=41.0,
        ),
        "rates": {"programs per second": 41.3, "host CPU ms per program: generate": 4.21},
        "kernels": (
            KernelRun(
                name="debian:6.12.117-1",
                release="6.12.117+deb13-cloud-amd64",
                accelerator="tcg",
                qemu="10.0.2",
                boots=3,
                programs=24813,
                accepted=19120,
                load_rate=1042.7,
            ),
            KernelRun(
                name="debian:5.10.262-1",
                release="5.10.0-46-cloud-amd64",
                accelerator="tcg",
                qemu="10.0.2",
                boots=1,
                programs=24800,
            ),
        ),
        "cells": cells(),
        "findings_new": 1,
        "findings_known": 1,
        "losses": (
            LossRecord(
                kernel="debian:6.12.117-1",
                reason="panic",
                in_flight=64,
                culprit="case 7f00aa",
                console="Kernel panic: test",
            ),
            LossRecord(kernel="debian:6.12.117-1", reason="hang", in_flight=12, console=HOSTILE),
        ),
        "productions": (
            ProductionCount("mask", 9120, 9001),
            ProductionCount("spill_fill", 4021, 2310),
            ProductionCount("map_lookup", 800, 790),
        ),
        "forms": (
            FormCount("debian:6.12.117-1", "add64_k", 310, 310),
            FormCount("debian:7.3.4-1~bpo13+1", "add64_k", 0, 4),
            FormCount("debian:7.3.4-1~bpo13+1", f"xor{HOSTILE}", 2, 2),
        ),
        "rejections": {"R0 min value is outside of the allowed memory range": 811, f"R1 {HOSTILE}": 2},
        "gaps": (
            GapCount(
                "math between map_value pointer and register with unbounded min value is not allowed",
                31,
                "7.3",
            ),
        ),
        "unparsed_log_lines": 0,
    }
    return RunSummary(**fields | changes)
