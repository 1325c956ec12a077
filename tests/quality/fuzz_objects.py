"""Coverage-guided fuzzing of the object reader: ``python -m tests.quality.fuzz_objects [--minutes M] [--out
DIRECTORY]``.

libFuzzer (through atheris, the ``fuzz`` extra) keeps inputs that reach new code of ``ebpf.objects`` and
``ebpf.btf``; half of its changes are :func:`generators.objects.break_object`'s, so that it gets behind the
header.  A crash, an input that takes ten seconds, or one of the kept inputs that takes the reader over its
memory in a process of its own, ends with exit status 1 and the input's file.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

# The reader itself is imported later: the fuzzer has to instrument it first.

MEMORY_MIB = 200
"""What the whole process may take with any one input."""
SECONDS = 10
MAX_LENGTH = 64 << 10
SEEDS = 200
ROOT = Path(__file__).resolve().parents[2]


def mutate(data: bytes, rng: random.Random) -> bytes | None:
    """One field broken; None for what is no object any more."""
    from ebpf.errors import InputError
    from ebpf.objects.file import read_elf
    from generators.dice import Dice
    from generators.objects import break_object

    try:
        read_elf(data)
        return break_object(data, Dice(rng.getrandbits(256))).data
    except (InputError, IndexError, ValueError):
        return None  # break_object is for objects that are whole, and these need not be


def fuzz(flags: list[str]) -> None:
    """This process becomes the fuzzer, and ends as libFuzzer does."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["ebpf.objects", "ebpf.btf"]):
        from tests.ebpf.objects.taking import takes

    def one(data: bytes) -> None:
        takes(data)

    def mutator(data: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        changed = mutate(data, rng) if rng.randrange(2) else None
        return changed[:max_size] if changed is not None else atheris.Mutate(data, max_size)

    atheris.Setup([sys.argv[0], *flags], one, custom_mutator=mutator)
    atheris.Fuzz()


def peak_mib(data: bytes) -> int:
    """The most memory that a fresh process has while it takes this input."""
    from tests.ebpf.objects.taking import takes

    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            takes(data)
            os.write(writer, str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return int(said) if said else 1 << 20


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--out", type=Path, help="where the corpus and what crashed stay [a temporary directory]"
    )
    parser.add_argument("--libfuzzer", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.libfuzzer is not None:
        fuzz(asked.libfuzzer)
    if asked.out:
        return run(asked.out, asked.minutes, asked.seed)
    with tempfile.TemporaryDirectory(prefix="veridiff-fuzz-") as directory:
        return run(Path(directory), asked.minutes, asked.seed)


def sow(corpus: Path, seed: int) -> None:
    """Well-formed objects to begin with, made in a process of its own, whose memory does not count."""
    child = os.fork()
    if child == 0:
        from generators.objects import well_formed

        rng = random.Random(seed)
        for number in range(SEEDS):
            made = well_formed(
                rng.getrandbits(256),
                [[rng.getrandbits(160) for _ in range(3)] for _ in range(1 + number % 3)],
            )
            (corpus / f"seed-{number}.o").write_bytes(made.data)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"no seeds in {corpus}")


def run(directory: Path, minutes: float, seed: int) -> int:
    """Seeds, the fuzzer in a process of its own, and the memory of what it kept."""
    corpus = directory / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    sow(corpus, seed)
    flags = [
        f"-max_total_time={round(60 * minutes)}",
        f"-timeout={SECONDS}",
        f"-max_len={MAX_LENGTH}",
        f"-seed={seed}",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={directory}/",
        "-print_final_stats=1",
        str(corpus),
    ]
    command = [sys.executable, "-m", "tests.quality.fuzz_objects", "--libfuzzer", *flags]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    tail = done.stderr.splitlines()
    print(
        "\n".join(
            line for line in tail if re.match(r"stat::|.*ERROR: |.*Test unit written|\w+(\.\w+)*Error", line)
        )
    )
    if done.returncode:
        print("\n".join(tail[-40:]))
    peaks = {file.name: peak_mib(file.read_bytes()) for file in sorted(corpus.iterdir())}
    worst = max(peaks, key=lambda name: peaks[name])
    over = [name for name, peak in peaks.items() if peak > MEMORY_MIB]
    print(
        f"{len(peaks)} inputs kept; the most memory is {peaks[worst]} MiB, with {worst}; {len(over)} over "
        f"{MEMORY_MIB} MiB"
    )
    return 1 if done.returncode or over else 0


if __name__ == "__main__":
    sys.exit(main())
