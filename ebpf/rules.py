"""Every rule a program can break, as data: its class, the kernel phase that checks it, and where the rule
is written.

A *safety* rule is broken by an execution; any oracle may find it.  The other classes are the kernel's own
decisions: a program that breaks one need not misbehave.  Interpreter traps, near misses and the reference
verifier name rules from this table only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ebpf.releases import Release, Since


class RuleClass(Enum):
    """Why a rule exists."""

    SAFETY = "safety"
    RESOURCE = "resource"
    CONFIDENTIALITY = "confidentiality"
    FORM = "form"
    POLICY = "policy"


class Phase(Enum):
    """The part of loading that refuses (kernel/bpf/verifier.c: bpf_check)."""

    LOAD = "load"
    CFG = "cfg"
    WALK = "walk"
    FIXUP = "fixup"


@dataclass(frozen=True, slots=True)
class Rule:
    """``source`` names function and file in Linux 6.12; ``unprivileged`` rules bind only programs without
    CAP_PERFMON.  ``moved``: the first kernel that checks it in another phase, and which.
    ``against_speculation``: it binds only where the kernel takes measures against Spectre, which it does not
    where it was built or booted without (bpf_bypass_spec_v1, include/linux/bpf.h)."""

    name: str
    rule_class: RuleClass
    phase: Phase
    source: str
    statement: str
    unprivileged: bool = False
    since: str = "3.18"
    moved: tuple[str, Phase] | None = None
    against_speculation: bool = False

    def __str__(self) -> str:
        return self.name

    def phase_in(self, release: Release | str) -> Phase:
        """The phase in which that kernel checks it."""
        return self.moved[1] if self.moved is not None and release in Since(self.moved[0]) else self.phase


# fmt: off
_V = "kernel/bpf/verifier.c"
_S, _R, _C = (RuleClass.SAFETY, RuleClass.RESOURCE, RuleClass.CONFIDENTIALITY)
_F, _P = (RuleClass.FORM, RuleClass.POLICY)
_W, _G, _L, _X = (Phase.WALK, Phase.CFG, Phase.LOAD, Phase.FIXUP)

UNINITIALISED_REGISTER = Rule("uninitialised-register", _S, _W, f"{_V}: check_reg_arg",
    "a register is read before it is written")
SCRATCHED_REGISTER = Rule("scratched-register", _S, _W, f"{_V}: clear_caller_saved_regs",
    "R1 to R5 are read after a call")
FRAME_POINTER_WRITTEN = Rule("frame-pointer-written", _S, _W, f"{_V}: check_reg_arg", "R10 is written")
STACK_BOUNDS = Rule("stack-bounds", _S, _W, f"{_V}: check_stack_access_within_bounds",
    "a stack access lies outside the frame's 512 bytes")
UNINITIALISED_STACK = Rule("uninitialised-stack", _C, _W, f"{_V}: check_stack_read_fixed_off",
    "stack bytes are read that were never written (refused for all before 6.3)", unprivileged=True)
MAP_VALUE_BOUNDS = Rule("map-value-bounds", _S, _W, f"{_V}: check_map_access",
    "a map value is accessed outside its value_size")
PACKET_BOUNDS = Rule("packet-bounds", _S, _W, f"{_V}: check_packet_access",
    "packet bytes outside data..data_end are accessed")
STALE_PACKET_POINTER = Rule("stale-packet-pointer", _S, _W, f"{_V}: clear_all_pkt_pointers",
    "a packet pointer is used after a call that may change the packet")
CONTEXT_BOUNDS = Rule("context-access", _S, _W, f"{_V}: check_ctx_access",
    "the context is accessed where its type allows none")
MEMORY_BOUNDS = Rule("memory-bounds", _S, _W, f"{_V}: check_mem_region_access",
    "memory is accessed outside its size")
NULL_DEREFERENCE = Rule("null-dereference", _S, _W, f"{_V}: check_mem_access",
    "a pointer that may be null is dereferenced")
SCALAR_DEREFERENCE = Rule("scalar-dereference", _S, _W, f"{_V}: check_mem_access", "a number is dereferenced")
READ_ONLY = Rule("read-only", _S, _W, f"{_V}: check_mem_access", "read-only memory is written")
WRITE_ONLY = Rule("write-only", _S, _W, f"{_V}: check_map_access_type",
    "memory that may only be written is read")
POINTER_ARITHMETIC = Rule("pointer-arithmetic", _P, _W, f"{_V}: adjust_ptr_min_max_vals",
    "arithmetic on a pointer that may not be moved so")
OFFSET_LIMIT = Rule("offset-limit", _P, _W, f"{_V}: check_reg_sane_offset",
    "a pointer is moved by 1 << 29 bytes or more")
HELPER_ARGUMENT = Rule("helper-argument", _S, _W, f"{_V}: check_func_arg",
    "a helper gets an argument its prototype forbids")
HELPER_UNKNOWN = Rule("helper-unknown", _F, _W, f"{_V}: check_helper_call",
    "a helper is called that the program type lacks")
HELPER_GPL = Rule("helper-gpl-only", _P, _W, f"{_V}: check_helper_call",
    "a GPL-only helper is called by a non-GPL program")
HELPER_SLEEPS = Rule("helper-sleeps", _P, _W, f"{_V}: check_helper_call",
    "a helper that may sleep is called by a program that may not")
POINTER_LEAK = Rule("pointer-leak", _C, _W, f"{_V}: check_reg_arg, check_mem_access, is_pointer_value",
    "a kernel pointer becomes readable", unprivileged=True)
POINTER_COMPARISON = Rule("pointer-comparison", _C, _W, f"{_V}: check_cond_jmp_op", "pointers are compared",
    unprivileged=True)
NO_RETURN_VALUE = Rule("no-return-value", _S, _W, f"{_V}: check_return_code", "R0 is not set at exit")
RETURN_RANGE = Rule("return-range", _P, _W, f"{_V}: check_return_code",
    "R0 at exit is outside what the program type may return")
JUMP_OUT_OF_RANGE = Rule("jump-out-of-range", _F, _G, f"{_V}: check_subprogs, push_insn",
    "a jump leaves the program")
JUMP_INTO_IMMEDIATE = Rule("jump-into-immediate", _F, _G, f"{_V}: push_insn, bpf_opcode_in_insntable",
    "a jump lands in the middle of a 64-bit immediate")
FALLS_OFF = Rule("falls-off", _F, _G, f"{_V}: check_subprogs",
    "the last instruction is neither exit nor an unconditional jump")
UNREACHABLE = Rule("unreachable", _P, _G, f"{_V}: check_cfg", "an instruction cannot be reached")
BACK_EDGE = Rule("back-edge", _P, _G, f"{_V}: push_insn", "an unprivileged program jumps backwards",
    unprivileged=True)
INFINITE_LOOP = Rule("infinite-loop", _S, _W, f"{_V}: is_state_visited", "a loop makes no progress")
UNKNOWN_OPCODE = Rule("unknown-opcode", _F, _L, f"{_V}: resolve_pseudo_ldimm64, do_check",
    "an opcode no kernel knows")
RESERVED_FIELD = Rule("reserved-field", _F, _W, f"{_V}: check_alu_op, do_check",
    "a reserved field is not zero", moved=("7.1", Phase.LOAD))
DIVISION_BY_ZERO = Rule("division-by-zero-constant", _F, _W, f"{_V}: check_alu_op",
    "the constant divisor is zero")
INVALID_SHIFT = Rule("invalid-shift", _F, _W, f"{_V}: check_alu_op",
    "a constant shift is not smaller than the operand's width")
CALL_DEPTH = Rule("call-depth", _P, _W, f"{_V}: check_max_stack_depth, __check_func_call",
    "more than eight functions are active at once (16 since 7.2)")
TOO_MANY_INSNS = Rule("complexity", _P, _W, f"{_V}: do_check",
    "more than 1,000,000 instructions were processed")
ATOMIC_TARGET = Rule("atomic-target", _P, _W, f"{_V}: check_atomic",
    "an atomic operation on memory that does not allow it")
PACKET_LOAD_CONTEXT = Rule("packet-load-context", _S, _W, f"{_V}: check_ld_abs",
    "a legacy packet load without the context in R6")
ARENA_MISSING = Rule("arena-missing", _F, _W, f"{_V}: check_alu_op",
    "addr_space_cast in a program without an arena", since="6.9")
MAP_PROGRAM = Rule("map-program", _P, _W, f"{_V}: check_map_prog_compatibility",
    "a map that the program type may not use")
MAP_HELPER = Rule("map-helper", _F, _W, f"{_V}: check_map_func_compatibility",
    "a helper gets a map of a type it does not take")
SOCKET_ACCESS = Rule("socket-access", _S, _W, f"{_V}: check_sock_access",
    "a socket is accessed where its type allows nothing")
REFERENCE_LEAK = Rule("unreleased-reference", _R, _W, f"{_V}: check_reference_leak",
    "the program exits with a reference held")
RELEASE_UNREFERENCED = Rule("release-unreferenced", _R, _W, f"{_V}: check_func_arg",
    "something is released that is not held")
USE_AFTER_RELEASE = Rule("use-after-release", _S, _W, f"{_V}: release_reference",
    "something is used after its release")
LOCK_HELD_AT_EXIT = Rule("lock-held-at-exit", _R, _W, f"{_V}: do_check", "the program exits with a lock held")
LOCK_TWICE = Rule("lock-twice", _R, _W, f"{_V}: process_spin_lock", "a lock is taken while one is held")
UNLOCK_UNHELD = Rule("unlock-unheld", _R, _W, f"{_V}: process_spin_lock",
    "a lock is released that is not held")
CALL_UNDER_LOCK = Rule("call-under-lock", _P, _W, f"{_V}: do_check",
    "a helper, or before 6.9 any function, is called while a lock is held")
UNLOCKED = Rule("unlocked", _S, _W, f"{_V}: check_reg_allocation_locked",
    "a list or tree is used while the lock beside it is not held", since="6.2")
SECTION_AT_EXIT = Rule("section-at-exit", _R, _W, f"{_V}: check_resource_leak",
    "the program exits inside a section that it began (RCU, without preemption)", since="6.2")
SECTION_UNMATCHED = Rule("section-unmatched", _R, _W, f"{_V}: check_kfunc_call",
    "a section is ended that was not begun", since="6.2")
SECTION_NESTED = Rule("section-nested", _P, _W, f"{_V}: check_kfunc_call",
    "an RCU read-side critical section begins inside another (7.1 takes it)", since="6.2")
SLEEPS_IN_SECTION = Rule("sleeps-in-section", _P, _W, f"{_V}: check_helper_call, check_kfunc_call",
    "what may sleep is called inside a section that must not", since="6.2")
STACK_OBJECT = Rule("stack-object", _S, _W,
    f"{_V}: check_stack_read_fixed_off, check_stack_range_initialized",
    "what the kernel keeps on the stack (an iterator, a dynptr, saved flags) is read", since="5.19")
SPECIAL_FIELD = Rule("special-field", _S, _W, f"{_V}: check_map_access",
    "a special field of a map value is accessed directly")
MISALIGNED = Rule("misaligned", _P, _W, f"{_V}: check_ptr_alignment",
    "an access lacks the alignment that the kernel requires")
NULL_CHECK = Rule("null-check", _P, _W, f"{_V}: check_mem_access, check_func_arg",
    "a pointer that may be null is used before a 64-bit comparison with 0")
CONTEXT_MODIFIED = Rule("context-modified", _P, _W, f"{_V}: __check_ptr_off_reg",
    "the context is accessed through a moved pointer")
PACKET_OFFSET_LIMIT = Rule("packet-offset-limit", _P, _W, f"{_V}: find_good_pkt_pointers",
    "packet bytes are accessed that may lie more than 65,535 bytes into the packet")
SPILL_SIZE = Rule("spill-size", _P, _W, f"{_V}: check_stack_write_fixed_off, check_stack_read_fixed_off",
    "a pointer is stored or loaded in part")
STACK_MISALIGNED = Rule("stack-misaligned", _P, _W, f"{_V}: check_ptr_alignment",
    "a stack access is not aligned to its size")
VARIABLE_STACK = Rule("variable-stack", _C, _W,
    f"{_V}: check_stack_access_for_ptr_arithmetic, check_stack_access_within_bounds",
    "the stack is accessed at an offset that is not constant", unprivileged=True, against_speculation=True)
STACK_IN_CALLER = Rule("stack-in-caller", _P, _W, f"{_V}: check_stack_write_fixed_off, prepare_func_exit",
    "a pointer into a callee's stack outlives the call")
STACK_DEPTH = Rule("stack-depth", _P, _X, f"{_V}: check_max_stack_depth",
    "the frames of a chain of calls exceed 512 bytes")
TAIL_CALL_STACK = Rule("tail-call-stack", _P, _X, f"{_V}: check_max_stack_depth_subprog",
    "a function makes a tail call under 256 bytes of its callers' stack or more", since="5.10")
UNTYPED_FUNCTION = Rule("untyped-function", _P, _L, f"{_V}: check_abnormal_return",
    "a function without types (func_info) makes a tail call or a legacy packet load", since="5.10")
RECURSION = Rule("recursion", _P, _G, f"{_V}: check_max_stack_depth", "a function calls itself")
KERNEL_FUNCTION_GPL = Rule("kernel-function-gpl-only", _P, _L, f"{_V}: add_kfunc_call",
    "kernel functions are for programs under a licence compatible with the GPL")
PRIVILEGED_CALL = Rule("privileged-call", _P, _L, f"{_V}: add_subprog_and_kfunc",
    "calls between functions of a program need CAP_BPF", unprivileged=True)
MIXED_POINTERS = Rule("mixed-pointers", _P, _W, f"{_V}: save_aux_ptr_type",
    "one instruction accesses different kinds of memory on different paths")
HELPER_SIZE = Rule("helper-size", _P, _W, f"{_V}: check_mem_size_reg",
    "a helper's size may be negative or 1 << 29 and more")
ZERO_SIZE = Rule("zero-size", _P, _W, f"{_V}: check_mem_size_reg",
    "a helper's size may be 0 where that is not allowed")
IMMEDIATE_HALVES = Rule("immediate-halves", _F, _L, f"{_V}: resolve_pseudo_ldimm64",
    "a 64-bit immediate's second slot is malformed")
NO_SUCH_MAP = Rule("no-such-map", _F, _L, f"{_V}: resolve_pseudo_ldimm64", "a map is used that is not there")
MAP_VALUE_ADDRESS = Rule("map-value-address", _P, _L, "kernel/bpf/arraymap.c: array_map_direct_value_addr",
    "a direct address lies outside the value, or the map is no array of one entry")
CONFIDENTIAL_LOAD = Rule("confidential-load", _C, _W, f"{_V}: check_ptr_to_map_access",
    "fields of struct bpf_map are read", unprivileged=True)

# fmt: on

RULES: dict[str, Rule] = {rule.name: rule for rule in list(globals().values()) if isinstance(rule, Rule)}
"""All rules by name."""
