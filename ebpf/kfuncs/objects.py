"""Kernel functions that give, take and release the kernel's own structures."""

from __future__ import annotations

from ebpf.kfuncs.hooks import Hook
from ebpf.kfuncs.prototype import KernelArg, KernelFunction
from ebpf.kfuncs.prototype import KernelArgKind as A

_NUMBER, _SIZE, _BUFFER = KernelArg(A.NUMBER), KernelArg(A.SIZE), KernelArg(A.BUFFER)
FIRST_MEMBER: dict[str, str] = {
    "task_struct": "thread_info", "cgroup": "cgroup_subsys_state", "mem_cgroup": "cgroup_subsys_state",
    "bpf_cpumask": "cpumask", "bpf_key": "", "bpf_crypto_ctx": "", "bpf_ws_lock": "", "kmem_cache": "",
    "prog_test_ref_kfunc": "", "cgroup_subsys_state": "",
    "sock_common": "", "sock": "sock_common", "inet_sock": "sock", "inet_connection_sock": "inet_sock",
    "tcp_sock": "inet_connection_sock", "tcp6_sock": "tcp_sock", "mptcp_sock": "inet_connection_sock",
    "udp_sock": "inet_sock", "udp6_sock": "udp_sock", "unix_sock": "sock",
    "inet_timewait_sock": "sock_common", "tcp_timewait_sock": "inet_timewait_sock",
    "request_sock": "sock_common", "inet_request_sock": "request_sock",
    "tcp_request_sock": "inet_request_sock",
    "pt_regs": "", "sk_buff": "", "xdp_buff": "", "file": "", "inode": "", "linux_binprm": "", "socket": "",
    "seq_file": "", "bpf_iter_meta": "", "vm_area_struct": "",
}  # fmt: skip
"""By structure, the structure it begins with ("": it begins with something else): one may be given where the
other is wanted (kernel/bpf/btf.c: btf_struct_ids_match)."""

MAY_BE_EMPTY = frozenset({"mptcp_sock"})
"""Structures without a member where a kernel is built without what they are for (net/mptcp/bpf.c and
CONFIG_MPTCP): one is then given for no other."""

PROTECTED_BY_RCU = frozenset(
    {"task_struct", "cgroup", "bpf_cpumask", "bpf_crypto_ctx", "prog_test_ref_kfunc"}
)
"""Structures that outlive the last reference until every RCU read-side critical section that saw them is over
(kernel/bpf/verifier.c: rcu_protected_types; Linux 6.12)."""
KEPT_IN_MAPS = frozenset({"task_struct", "cgroup", "bpf_cpumask", "bpf_crypto_ctx"})
"""Structures that a map's value may hold: kernels know how to give them back when the value is freed
(register_btf_id_dtor_kfuncs; Linux 6.12)."""


def is_a(given: str, wanted: str) -> bool | None:
    """Whether the one structure may be given for the other; None where only the kernel's BTF tells."""
    if given != wanted and given not in FIRST_MEMBER:
        return None
    outer = given
    while outer and outer != wanted:
        outer = FIRST_MEMBER.get(outer, "")
    return None if outer and outer != given and given in MAY_BE_EMPTY else bool(outer)


def _object(struct: str) -> KernelArg:
    return KernelArg(A.OBJECT, struct)


def _gives(
    struct: str,
    name: str,
    *args: KernelArg,
    hook: Hook,
    since: str = "6.12",
    sleeps: bool = False,
    nullable: bool = True,
) -> KernelFunction:
    return KernelFunction(
        name, args, hook, since, gives=struct, nullable=nullable, acquires=True, sleeps=sleeps
    )


def _releases(struct: str, name: str, hook: Hook, since: str = "6.12") -> KernelFunction:
    return KernelFunction(name, (_object(struct),), hook, since, releases=1, void=True)


def _number(
    name: str, *args: KernelArg, hook: Hook, since: str = "6.12", sleeps: bool = False
) -> KernelFunction:
    return KernelFunction(name, args, hook, since, sleeps=sleeps)


def _changes(name: str, *args: KernelArg, hook: Hook, since: str = "6.12") -> KernelFunction:
    return KernelFunction(name, args, hook, since, void=True)


_TASK, _CGROUP, _KEY = _object("task_struct"), _object("cgroup"), _object("bpf_key")
TASKS = (
    _gives("task_struct", "bpf_task_from_pid", _NUMBER, hook=Hook.GENERIC),
    _gives("task_struct", "bpf_task_from_vpid", _NUMBER, hook=Hook.GENERIC, since="6.18"),
    _gives("task_struct", "bpf_task_acquire", _TASK, hook=Hook.GENERIC),
    _releases("task_struct", "bpf_task_release", Hook.GENERIC),
    _gives("cgroup", "bpf_task_get_cgroup1", _TASK, _NUMBER, hook=Hook.GENERIC),
    _number("bpf_task_under_cgroup", _TASK, _CGROUP, hook=Hook.GENERIC),
)
"""kernel/bpf/helpers.c."""
CGROUPS = (
    _gives("cgroup", "bpf_cgroup_from_id", _NUMBER, hook=Hook.GENERIC),
    _gives("cgroup", "bpf_cgroup_acquire", _CGROUP, hook=Hook.GENERIC),
    _gives("cgroup", "bpf_cgroup_ancestor", _CGROUP, _NUMBER, hook=Hook.GENERIC),
    _releases("cgroup", "bpf_cgroup_release", Hook.GENERIC),
)
"""kernel/bpf/helpers.c."""
KEYS = (
    _gives("bpf_key", "bpf_lookup_user_key", _NUMBER, _NUMBER, hook=Hook.KEYS, sleeps=True),
    _gives("bpf_key", "bpf_lookup_system_key", _NUMBER, hook=Hook.KEYS),
    _releases("bpf_key", "bpf_key_put", Hook.KEYS),
)
"""kernel/trace/bpf_trace.c, since 6.18 kernel/bpf/helpers.c."""

_OWN, _ANY = _object("bpf_cpumask"), _object("cpumask")
_PROCESSORS = Hook.TRACING_OR_SYSCALL
CPUMASKS = (
    _gives("bpf_cpumask", "bpf_cpumask_create", hook=_PROCESSORS),
    _gives("bpf_cpumask", "bpf_cpumask_acquire", _OWN, hook=_PROCESSORS, nullable=False),
    _releases("bpf_cpumask", "bpf_cpumask_release", _PROCESSORS),
    *(
        _number(f"bpf_cpumask_{name}", _ANY, hook=_PROCESSORS)
        for name in ("first", "first_zero", "empty", "full", "any_distribute", "weight")
    ),
    *(
        _number(f"bpf_cpumask_{name}", _ANY, _ANY, hook=_PROCESSORS)
        for name in ("first_and", "equal", "intersects", "subset", "any_and_distribute")
    ),
    *(_changes(f"bpf_cpumask_{name}", _NUMBER, _OWN, hook=_PROCESSORS) for name in ("set_cpu", "clear_cpu")),
    _number("bpf_cpumask_test_cpu", _NUMBER, _ANY, hook=_PROCESSORS),
    *(
        _number(f"bpf_cpumask_test_and_{name}_cpu", _NUMBER, _OWN, hook=_PROCESSORS)
        for name in ("set", "clear")
    ),
    *(_changes(f"bpf_cpumask_{name}", _OWN, hook=_PROCESSORS) for name in ("setall", "clear")),
    _number("bpf_cpumask_and", _OWN, _ANY, _ANY, hook=_PROCESSORS),
    *(_changes(f"bpf_cpumask_{name}", _OWN, _ANY, _ANY, hook=_PROCESSORS) for name in ("or", "xor")),
    _changes("bpf_cpumask_copy", _OWN, _ANY, hook=_PROCESSORS),
    _number("bpf_cpumask_populate", _OWN, _BUFFER, _SIZE, hook=_PROCESSORS, since="6.18"),
)
"""kernel/bpf/cpumask.c."""

TAKE_PROTECTED = frozenset(
    function.name
    for function in (*TASKS, *CGROUPS, *CPUMASKS)
    if function.releases is None and function.name != "bpf_cpumask_acquire"
)
"""Functions to which a structure may be given that only RCU keeps (KF_RCU): of those that release nothing,
all but what wants to be trusted (KF_TRUSTED_ARGS)."""

_MEMORY_GROUP = _object("mem_cgroup")
MEMORY_GROUPS = (
    _gives("mem_cgroup", "bpf_get_root_mem_cgroup", hook=Hook.COMMON, since="7.1"),
    _releases("mem_cgroup", "bpf_put_mem_cgroup", Hook.COMMON, "7.1"),
    _number("bpf_mem_cgroup_usage", _MEMORY_GROUP, hook=Hook.COMMON, since="7.1"),
    *(
        _number(f"bpf_mem_cgroup_{name}", _MEMORY_GROUP, _NUMBER, hook=Hook.COMMON, since="7.1")
        for name in ("vm_events", "memory_events", "page_state")
    ),
    KernelFunction(
        "bpf_mem_cgroup_flush_stats", (_MEMORY_GROUP,), Hook.COMMON, "7.1", void=True, sleeps=True
    ),
)
"""mm/bpf_memcontrol.c."""

_CONTEXT = _object("bpf_crypto_ctx")
CRYPTOGRAPHY = (
    _gives("bpf_crypto_ctx", "bpf_crypto_ctx_create", _BUFFER, _SIZE, KernelArg(A.MEMORY, size=4),
           hook=Hook.SYSCALL, sleeps=True),
    _gives("bpf_crypto_ctx", "bpf_crypto_ctx_acquire", _CONTEXT, hook=Hook.SYSCALL),
    _releases("bpf_crypto_ctx", "bpf_crypto_ctx_release", Hook.SYSCALL),
)  # fmt: skip
"""kernel/bpf/crypto.c."""
OTHERS = (
    _gives("bpf_ws_lock", "bpf_wakeup_sources_read_lock", hook=Hook.SYSCALL, since="7.3", nullable=False),
    _releases("bpf_ws_lock", "bpf_wakeup_sources_read_unlock", Hook.SYSCALL, "7.3"),
    KernelFunction("bpf_get_kmem_cache", (_NUMBER,), Hook.COMMON, "6.18", gives="kmem_cache", nullable=True),
    _number("bpf_map_sum_elem_count", KernelArg(A.MAP), hook=Hook.COMMON),
    _number("bpf_stream_print_stack", _NUMBER, hook=Hook.COMMON, since="7.1"),
    _number(
        "bpf_copy_from_user_str", _BUFFER, _SIZE, KernelArg(A.IGNORED), _NUMBER, hook=Hook.COMMON, sleeps=True
    ),
)
EXCEPTIONS = (KernelFunction("bpf_throw", (_NUMBER,), Hook.GENERIC, void=True, throws=True),)
"""kernel/bpf/helpers.c."""
TESTING = (
    _gives("prog_test_ref_kfunc", "bpf_kfunc_call_test_acquire", KernelArg(A.MEMORY, size=8), hook=Hook.NONE),
    _releases("prog_test_ref_kfunc", "bpf_kfunc_call_test_release", Hook.NONE),
    KernelFunction("bpf_kfunc_call_test_ref", (_object("prog_test_ref_kfunc"),), void=True),
)
"""net/bpf/test_run.c up to 6.1, then of a module for the kernel's selftests."""
ROWS = (
    *TASKS, *CGROUPS, *KEYS, *CPUMASKS, *MEMORY_GROUPS, *CRYPTOGRAPHY, *OTHERS, *EXCEPTIONS, *TESTING,
)  # fmt: skip
