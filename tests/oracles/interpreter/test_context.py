"""The context of a run."""

from __future__ import annotations

from ebpf.program_types import ProgramType
from oracles.interpreter import Abstained, Returned
from tests.oracles.interpreter.machines import outcome


def test_a_large_context_is_followed_as_far_as_its_input_goes() -> None:
    """A syscall program's context is whatever its caller has (kernel/bpf/syscall.c)."""
    near = outcome("r0 = *(u64 *)(r1 +4088); exit", type=ProgramType.SYSCALL)
    far = outcome("r0 = *(u64 *)(r1 +8000); exit", type=ProgramType.SYSCALL)
    assert isinstance(near, Returned | Abstained)
    assert far == Abstained(0, "a context of more than 4096 bytes")


def test_what_a_test_run_takes_from_ctx_in_is_zero_without_it() -> None:
    """__sk_buff's mark (net/bpf/test_run.c, convert___skb_to_skb); its ifindex is the device's own affair."""
    assert outcome("r0 = *(u32 *)(r1 +8); exit") == Returned(0, (), bytes(64))
    assert not outcome("r0 = *(u32 *)(r1 +40); exit").predictable
