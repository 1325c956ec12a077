"""Reproducers: they build without a warning, refuse to run on a laptop, and say what a right kernel does.

That they judge kernels is shown in tests/vm; here is how they read what a kernel says.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from conformance.kernel.refusals import find_refusal
from ebpf import casefile
from ebpf.errors import InputError
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.objects import open_object
from ebpf.program import Case, Input, LoadFlag
from ebpf.program_types import AttachType, ProgramType
from ebpf.verifier_log.claims import ScalarClaim
from ebpf.verifier_log.dialect import LogDialect
from ebpf.verifier_log.values import parse_value
from reports import reproducers
from reports.records import (
    Accepts,
    AloneReturns,
    Holds,
    MapEntry,
    Refuses,
    Returns,
    Right,
    StaysQuiet,
    StoredRegister,
    Untellable,
)
from reports.reproducers.c_program import c_program
from reports.reproducers.hex_file import case_of, without_comments
from reports.reproducers.judging import right_of
from reports.reproducers.patch import patch
from reports.reproducers.selftest import selftest
from reports.reproducers.text import comment, string
from tests.reports.samples import CASE, HOSTILE, finding, hostile

GCC = shutil.which("gcc")


def case(**changes: object) -> Case:
    plain = casefile.from_plain(CASE)
    return replace(plain, program=replace(plain.program, **changes))  # type: ignore[arg-type]


def variants() -> dict[str, Case]:
    """Cases that take every branch of the C template."""
    inner = MapSpec(MapType.ARRAY, 4, 8, 1)
    maps = (
        MapSpec(MapType.PERCPU_ARRAY, 4, 12, 2, name="p", contents=((bytes(4), bytes(range(12))),)),
        MapSpec(MapType.ARRAY_OF_MAPS, 4, 4, 2, name="o", inner=inner),
        MapSpec(MapType.HASH, 4, 4, 2, flags=1),
    )
    tracing = {
        "type": ProgramType.TRACING,
        "attach_to": "bpf_fentry_test1",
        "kfuncs": ((0, "bpf_iter_num_new"),),
    }
    return {
        "sample": case(),
        "no maps": case(maps=(), instructions=(Insn(0xB7), Insn(0x95))),
        "maps of every sort": case(maps=maps),
        "tracing with BTF": case(
            **tracing, btf=b"\x9f\xeb\x01\x00" * 6, func_info=bytes(8), flags=LoadFlag.SLEEPABLE
        ),
        "illegal instruction": case(instructions=(Insn(0xFF, 15, 15, -32768, -(1 << 31)), Insn(0x95))),
        "unprivileged": replace(case(), capabilities=()),
        "one capability": replace(case(), capabilities=("CAP_BPF", "CAP_NET_ADMIN")),
        "context": replace(case(), inputs=(replace(case().inputs[0], context=bytes(192)),)),
    }


RIGHTS: dict[str, Right] = {
    "refuses": Refuses(),
    "refuses another program": Refuses(CASE, "invalid read from stack"),
    "accepts": Accepts("R1 type=scalar expected=ctx"),
    "returns": Returns(0x41),
    "leaves": Returns(
        1, ("hardened JIT",), (MapEntry(0, bytes(4), bytes(8)), MapEntry(0, bytes(4), None)), b"\1" * 20, 14
    ),
    "holds": Holds(CASE, (StoredRegister(6, 7),), 12, Refuses(CASE)),
    "goes": Holds(CASE, (StoredRegister(6, 7), StoredRegister(7, 1 << 63))),
    "stays quiet": StaysQuiet(),
    "nobody knows": Untellable('it "depends"'),
}


def built(text: str, directory: Path) -> Path:
    """Its executable; it builds without a warning."""
    source, binary = directory / "reproducer.c", directory / "reproducer"
    source.write_text(text)
    flags = ["-Wall", "-Wextra", "-Werror", "-Wno-type-limits"]
    result = subprocess.run(
        ["gcc", *flags, "-o", binary, source], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return binary


@pytest.mark.skipif(GCC is None, reason="no gcc")
@pytest.mark.parametrize("name", variants())
@pytest.mark.parametrize("right", ["refuses", "returns", "stays quiet"])
def test_the_c_program_of_every_case_builds(name: str, right: str, tmp_path: Path) -> None:
    built(c_program(finding(right=RIGHTS[right]), variants()[name]), tmp_path)


@pytest.mark.skipif(GCC is None, reason="no gcc")
@pytest.mark.parametrize("right", RIGHTS)
def test_the_c_program_of_every_right_kernel_builds(right: str, tmp_path: Path) -> None:
    built(c_program(finding(right=RIGHTS[right]), case()), tmp_path)


@pytest.mark.parametrize(
    ("right", "lines"),
    [
        ("refuses", ["expected: refused\\ngot: ", "tell(fd < 0);"]),
        ("refuses another program", ["Not the finding's program", "refused for another reason"]),
        ("accepts", ["tell(fd >= 0);", 'wrong_refusal[] = "R1 type=scalar expected=ctx"']),
        (
            "returns",
            ['{ "JIT", 1, 0, 0 },', '{ "kernel interpreter", 0, 0, 0 },', "int right = got == 0x41;"],
        ),
        ("leaves", ['{ "hardened JIT", 1, 2, 4 /* TEST_RND_HI32 */ },', "got a value", "packet_out + 14"]),
        ("holds", ['"\\n12: (7b) "', "{ 6, 0x7 },"]),
        ("goes", ["{ 7, 0x8000000000000000 },", "tell(words[STORED] != 0);"]),
        ("stays quiet", ["REG INVARIANTS VIOLATION", "/dev/kmsg"]),
        ("nobody knows", ['cannot_tell("%s", "it \\042depends\\042");']),
    ],
)
def test_the_c_program_is_about_what_a_right_kernel_does(right: str, lines: list[str]) -> None:
    text = c_program(finding(right=RIGHTS[right]), case())
    assert [line for line in lines if line not in text] == []
    assert ("BPF_PROG_TEST_RUN" in text) is (right in ("returns", "leaves", "holds", "goes", "stays quiet"))


@pytest.mark.parametrize(
    ("fields", "right"),
    [
        ({"should_accept": False}, Refuses()),
        ({"should_accept": None, "expected_return": 7}, Returns(7)),
        ({"should_accept": True}, Untellable("the record does not say what a right kernel does")),
    ],
)
def test_older_records_say_it_in_other_fields(fields: dict[str, object], right: Right) -> None:
    assert right_of(finding(**fields)) == right


def part(text: str, start: str, end: str) -> str:
    """Some of a reproducer."""
    return text[text.index(start) : text.index(end)]


CLAIMS = [
    "7", "-8", "P0", "0xfffffffffffffff8", "scalar()", "Pscalar(id=3)",
    "scalar(id=1+8,smin=umin=smin32=umin32=3,smax=umax=smax32=umax32=7,var_off=(0x3; 0x4))",
    "scalar(smin=0xffffffff80000000,smax=0x7fffffff,umin32=1)",
    "scalar(umax=255,var_off=(0x0; 0xff),s32_min=0,s32_max=255,u32_max=255)",
    "scalar(smin=-5,smax32=-2)", "scalar(umin=0x8000000000000000,var_off=(0x8000000000000000; 0x7fffffffffffffff))",
]  # fmt: skip
VALUES = [
    0,
    1,
    3,
    5,
    7,
    8,
    255,
    256,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 32,
    1 << 63,
    (1 << 64) - 8,
    (1 << 64) - 1,
]


@pytest.mark.skipif(GCC is None, reason="no gcc")
def test_it_reads_claims_as_we_do(tmp_path: Path) -> None:
    text = c_program(finding(right=RIGHTS["holds"]), case())
    reader = part(text, "/* Whether a value is within one bound", "/* What the log says")
    headers = "#include <stdint.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
    main = 'int main(int n, char **a) { for (int i = 1; i + 1 < n; i += 2) printf("%d\\n", holds(a[i], strtoull(a[i + 1], 0, 0))); }'
    pairs = [(claim, value) for claim in CLAIMS for value in VALUES]
    arguments = [word for claim, value in pairs for word in (claim, str(value))]
    told = subprocess.run(
        [built(headers + reader + main, tmp_path), *arguments, "fp-8", "0"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for (claim, value), said in zip(pairs, told[:-1], strict=True):
        read = parse_value(claim, LogDialect.LINUX_7_3)
        assert isinstance(read, ScalarClaim)
        assert read.range.contains(value) is (said == "1"), (claim, value)
    assert told[-1] == "-1"


LOGS = [
    "0: (95) exit\nR0 !read_ok\nprocessed 1 insns (limit 1000000) max_states_per_insn 0\n",
    "0: (b7) r0 = 0 ; R0=0\n1: (95) exit\nprocessed 2 insns (limit 1000000) max_states_per_insn 0\n",
    "func#0 @0\nR1 bad\n\nVerification failed: Memory Safety: Access\n\nReason:\n  It is.\n\nAt:\n  insn 3\n"
    "verification time 99 usec\nstack depth max 8\nprocessed 10 insns (l\n",
    "unreachable insn 3\n",
    "",
]


@pytest.mark.skipif(GCC is None, reason="no gcc")
@pytest.mark.parametrize("log", LOGS)
def test_it_finds_the_refusal_that_we_find(log: str, tmp_path: Path) -> None:
    text = c_program(finding(right=RIGHTS["accepts"]), case())
    reader = part(text, "static int begins(", "/* Goes on only")
    headers = "#include <stdio.h>\n#include <string.h>\nstatic char log_buffer[1 << 20];\n"
    main = 'int main(int n, char **a) { if (n == 2) strcpy(log_buffer, a[1]); printf("%s|%d", refusal(), same_message("R1 off=8 x", "R2 off=0x1f x") && !same_message("R1 a", "R1 b") && !same_message("R1", "R1 b")); }'
    said = subprocess.run(
        [built(headers + reader + main, tmp_path), log], capture_output=True, text=True, check=True
    )
    ours = find_refusal(log)
    assert said.stdout == f"{ours.message if ours else ''}|1"


@pytest.mark.skipif(GCC is None, reason="no gcc")
@pytest.mark.parametrize("arguments", [[], ["--yes"], ["--yes-this-is-a-vm", "x"]])
def test_it_refuses_to_run_unless_told_where_it_is(arguments: list[str], tmp_path: Path) -> None:
    files = reproducers.write(hostile(), tmp_path).files
    subprocess.run(["gcc", "-w", "-o", tmp_path / "reproducer", tmp_path / files["c"]], check=True)
    result = subprocess.run(
        [tmp_path / "reproducer", *arguments], capture_output=True, text=True, check=False
    )
    assert result.returncode == 125
    assert "--yes-this-is-a-vm" in result.stderr
    assert result.stdout == ""


def test_hostile_text_stays_in_its_comment() -> None:
    assert comment("a */ int x; /* b\nc \\") == "a * / int x; / * b c \\ "
    assert string('a"\n\\?é') == r'"a\042\012\134\077\303\251"'
    text = c_program(finding(statement="*/ #error " + HOSTILE), case())
    assert "*/ #error" not in text


def test_files_and_their_names(tmp_path: Path) -> None:
    files = reproducers.write(finding(), tmp_path).files
    assert files == {
        "case": "case.json",
        "c": "reproducer.c",
        "selftest": "verifier_veridiff.c",
        "patch": "selftest.patch",
        "object": "program.o",
        "hex": "program.hex",
    }
    (program,) = open_object((tmp_path / "program.o").read_bytes(), "program.o").programs
    assert program.type.name.lower() == CASE["program"]["type"]
    assert casefile.loads((tmp_path / "case.json").read_bytes()) == casefile.from_plain(CASE)
    text = (tmp_path / "program.hex").read_text()
    assert bytes.fromhex(without_comments(text)) == bytes.fromhex(CASE["program"]["instructions"])
    assert case_of(text, "program.hex") == casefile.from_plain(CASE)
    assert case_of(without_comments(text), "program.hex") is None


@pytest.mark.parametrize("frame", ["", "[]", "{}", '{"program": 1}'])
def test_a_hex_file_whose_comment_is_no_case_is_refused_by_name(frame: str) -> None:
    with pytest.raises(InputError, match=r"program\.hex: the comment with the case is no case"):
        case_of(f"# case: {frame}\n9500000000000000\n", "program.hex")


def stanza(right: Right, **changes: object) -> str:
    """The text; the finding is the sample's."""
    text = selftest(finding(right=right), case(**changes))
    assert text is not None
    return text.decode()


def test_the_selftest_states_what_a_right_kernel_does() -> None:
    text = stanza(Refuses())
    assert 'SEC("socket")' in text
    assert '__failure\n__msg("invalid access to map value, value_size=8 off=8 size=1")\n' in text
    assert '\t"if r0 == 0 goto l16_%=;"\n' in text
    assert '\t"l16_%=:"\n\t"r0 = 0;"\n' in text
    assert "\t: __imm_addr(m0), __imm(bpf_map_lookup_elem)\n" in text
    assert "} m0 SEC(" in text
    assert "linux/filter.h" not in text


@pytest.mark.parametrize(
    ("right", "tags"),
    [
        (Accepts("R1 bad"), "__success\n__naked"),
        (RIGHTS["refuses another program"], '__failure\n__msg("invalid read from stack")\n__naked'),
        (
            Holds(CASE, (), 1, Refuses(CASE, "above the stack")),
            '__failure\n__msg("above the stack")\n__naked',
        ),
        (StaysQuiet(), "__success\n__naked"),
    ],
)
def test_the_selftest_asserts_what_its_runner_can_tell(right: Right, tags: str) -> None:
    assert tags in stanza(right).replace(" void", "\n").replace("__naked\n", "__naked")


def test_the_selftest_asserts_a_result_on_the_input_of_its_runner_only() -> None:
    plain = replace(case(maps=(), instructions=(Insn(0xB7), Insn(0x95))), inputs=(Input(bytes(64)),))
    text = selftest(finding(right=Returns(0x41)), plain)
    assert text is not None
    assert b"__success\n__retval(0x41)\n" in text
    assert selftest(finding(right=Returns(0x41)), case()) is None
    assert selftest(finding(right=Returns(0x41, ("kernel interpreter",))), plain) is None
    elsewhere = Returns(0x41, entries=(MapEntry(0, bytes(4), bytes(8)),))
    assert selftest(finding(right=elsewhere), plain) is None
    alone = AloneReturns(casefile.to_plain(plain), 0x77)
    text = selftest(finding(right=msgspec.structs.replace(elsewhere, alone=alone)), case())
    assert text is not None
    assert b"__success\n__retval(0x77)\n" in text


def test_there_is_no_selftest_that_asserts_nothing() -> None:
    assert selftest(finding(right=Untellable("why")), case()) is None
    assert selftest(finding(right=StaysQuiet(), verdicts=()), case()) is None
    assert selftest(finding(right=Refuses()), case(kfuncs=((0, "bpf_iter_num_new"),))) is None


def test_the_selftest_has_the_mode_and_flags_of_the_load() -> None:
    assert "__flag(BPF_F_TEST_STATE_FREQ)\n" in stanza(Refuses(), flags=LoadFlag.TEST_STATE_FREQ)
    text = selftest(finding(right=Refuses()), replace(case(), capabilities=("CAP_BPF", "CAP_NET_RAW")))
    assert text is not None
    assert b"__failure_unpriv\n" in text
    assert b"__caps_unpriv(CAP_BPF|CAP_NET_RAW)\n" in text


def test_the_selftest_names_sections_as_libbpf_does() -> None:
    changes = {"type": ProgramType.CGROUP_SOCKOPT, "attach_type": AttachType.CGROUP_GETSOCKOPT}
    assert 'SEC("cgroup/getsockopt")' in stanza(Refuses(), **changes)


def test_a_map_that_is_addressed_by_value_is_a_variable() -> None:
    out = MapSpec(MapType.ARRAY, 4, 16, 1, name="out", contents=((bytes(4), bytes(range(16))),))
    insns = (Insn(0x18, 1, 2, imm=0), Insn(0, imm=8), Insn(0x95))
    text = stanza(Refuses(), maps=(out,), instructions=insns)
    assert 'unsigned char m0[16] __attribute__((aligned(8))) SEC(".data.out") = {' in text
    assert '"r1 = %[m0_8] ll;"' in text
    assert '[m0_8]"i"(&m0[8])' in text
    both = (Insn(0x18, 1, 1, imm=0), Insn(0), *insns)
    assert selftest(finding(right=Refuses()), case(maps=(out,), instructions=both)) is None


def test_the_selftest_writes_as_bytes_what_llvm_has_no_text_for() -> None:
    text = stanza(Refuses(), instructions=(Insn(0x8D, 1), Insn(0xFF), Insn(0x95)))
    assert '#include "../../../include/linux/filter.h"' in text
    assert '".8byte %[insn_1];"' in text
    assert "__imm_insn(insn_1, BPF_RAW_INSN(0xff, 0, 0, 0, 0))" in text


VERIFIER_C = """\
#include <test_progs.h>
#include "verifier_var_off.skel.h"
#include "verifier_xadd.skel.h"
#include "verifier_xdp.skel.h"

void test_verifier_var_off(void)              { RUN(verifier_var_off); }
void test_verifier_xadd(void)                 { RUN(verifier_xadd); }
void test_verifier_xdp(void)                  { RUN(verifier_xdp); }
"""


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
@pytest.mark.parametrize("statement", ["It is wrong.", f"a\n---\ndiff --git a/x b/x\nFrom x {HOSTILE}"])
def test_the_patch_is_taken_by_git_am(statement: str, tmp_path: Path) -> None:
    tests = tmp_path / "tools/testing/selftests/bpf"
    (tests / "prog_tests").mkdir(parents=True)
    (tests / "progs").mkdir()
    (tests / "prog_tests/verifier.c").write_text(VERIFIER_C)
    said = finding(right=Refuses(), statement=statement)
    text, stanza_text = patch(said, case()), selftest(said, case())
    assert text is not None
    assert stanza_text is not None

    def git(*arguments: str, given: bytes = b"") -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@localhost", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, input=given, check=True, capture_output=True)

    git("init", "-q")
    git("config", "core.hooksPath", "/dev/null")
    git("add", ".")
    git("commit", "-qm", "before")
    git("am", "-q", given=text)
    assert (tests / "progs/verifier_veridiff.c").read_bytes() == stanza_text
    after = (tests / "prog_tests/verifier.c").read_text()
    assert '#include "verifier_veridiff.skel.h"\n' in after
    assert "void test_verifier_veridiff(void)             { RUN(verifier_veridiff); }\n" in after
