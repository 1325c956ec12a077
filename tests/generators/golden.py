"""Generated programs of fixed integers, as hashes: what a change of the generator must not alter unnoticed.

Written by ``python -m tests.generators.golden``, after a change that means to alter programs; the commit says
which.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path

from ebpf import casefile
from generators import experiments, programs
from generators.dice import WIDTH
from generators.profiles import profile_for
from generators.programs import Generated

FILE = Path(__file__).parents[1] / "data" / "golden.json"
RELEASES = ("5.10.0", "6.1.0", "6.12.0", "7.3.0")
PER_BLOCK, BLOCKS = 100, 20
EXPERIMENTS = 100
"""Programs of experiments in one more block per release."""


def programs_of(release: str, block: int) -> Iterator[Generated]:
    """The programs of one block: :data:`PER_BLOCK` ordinary ones, or the experiments in the last."""
    profile = profile_for(release)
    for number in range(PER_BLOCK):
        rng = random.Random(f"golden/{block}/{number}")
        if block < BLOCKS:
            seeds = [rng.getrandbits(WIDTH) for _ in range(rng.randint(6, 48))]
            yield programs.build(rng.getrandbits(256), seeds, profile)
        else:
            seeds = [
                rng.getrandbits(experiments.WIDTH) for _ in range(rng.randint(1, experiments.MAX_EXPERIMENTS))
            ]
            yield experiments.build(rng.getrandbits(64), seeds, profile)


def digest(release: str, block: int) -> str:
    """The hash of a block: cases, purposes, and what near misses break where."""
    hasher = hashlib.sha256()
    for made in programs_of(release, block):
        known = [made.purpose.value, str(made.rule), made.at, made.output]
        hasher.update(json.dumps([casefile.to_plain(made.case), *known], sort_keys=True).encode())
    return hasher.hexdigest()[:16]


def main() -> None:
    """Write the file."""
    golden = {release: [digest(release, block) for block in range(BLOCKS + 1)] for release in RELEASES}
    FILE.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
