"""Tagged programs compiled here, on a real kernel: agreement where they tell the truth, disagreement where
they lie."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from conformance.corpus.selftests.compiler import find_clang
from conformance.corpus.selftests.outcomes import Outcome, SelftestAgreement, ask
from conformance.corpus.selftests.trials import trials
from conformance.kernel.session import KernelSession
from ebpf.errors import InputError

pytestmark = pytest.mark.vm
SOURCE = r"""
#define SEC(name) __attribute__((section(name), used))
#define TAG(text) __attribute__((btf_decl_tag("comment:" text)))
#define NAKED __attribute__((naked))
char _license[] SEC("license") = "GPL";

SEC("socket") TAG("0:test_expect_success") TAG("1:test_retval=7")
int truth(void *ctx) { return 7; }
SEC("socket") TAG("0:test_expect_success") TAG("1:test_retval=8")
int wrong_result(void *ctx) { return 7; }
SEC("socket") NAKED TAG("0:test_expect_failure") TAG("1:test_expect_msg=R{{[0-9]}} !read_ok")
int refused() { asm volatile("r0 = r5; exit;" ::: "r0"); }
SEC("socket") NAKED TAG("0:test_expect_failure") TAG("1:test_expect_msg=invalid stack")
int wrong_message() { asm volatile("r0 = r5; exit;" ::: "r0"); }
SEC("socket") NAKED TAG("0:test_expect_success")
int wrong_verdict() { asm volatile("r0 = r5; exit;" ::: "r0"); }
SEC("socket") NAKED TAG("0:test_expect_success") TAG("1:test_expect_failure_unpriv") TAG("2:test_expect_msg_unpriv=leaks addr")
int leak() { asm volatile("r0 = r10; exit;" ::: "r0"); }
SEC("socket") TAG("0:test_arch=ARM64") TAG("1:test_expect_failure")
int elsewhere(void *ctx) { return 0; }
"""
EXPECTED = {
    "truth": SelftestAgreement.AGREE, "wrong_result": SelftestAgreement.DISAGREE, "refused": SelftestAgreement.AGREE,
    "wrong_message": SelftestAgreement.DISAGREE,
    "wrong_verdict": SelftestAgreement.DISAGREE, "leak": SelftestAgreement.AGREE, "elsewhere": SelftestAgreement.SKIPPED,
}  # fmt: skip


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        clang = find_clang()
    except InputError as error:
        pytest.skip(str(error))
    home = tmp_path_factory.mktemp("tagged")
    (home / "tagged.c").write_text(SOURCE)
    command = [
        str(clang.path),
        "-g",
        "-O2",
        "--target=bpfel",
        "-mcpu=v3",
        "-c",
        str(home / "tagged.c"),
        "-o",
        str(home / "tagged.o"),
    ]
    subprocess.run(command, check=True)
    return home / "tagged.o"


def test_every_tagged_program_is_accounted_for(kernel: KernelSession, tagged: Path) -> None:
    every = list(trials(tagged))
    outcomes: list[Outcome] = list(ask(kernel, kernel.hello.release, every))
    assert {each.trial.name for each in outcomes} == set(EXPECTED)
    assert {each.trial.id: each.agreement for each in outcomes} == {
        each.trial.id: EXPECTED[each.trial.name] for each in outcomes
    }, [(each.trial.id, each.kernel, each.detail) for each in outcomes]
    assert {each.trial.privileged for each in outcomes if each.trial.name == "leak"} == {True, False}
