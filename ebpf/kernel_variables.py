"""Variables of the kernel's that programs may have the address of, by name in each kernel's BTF.

Only per-CPU ones are helpers' arguments (kernel/bpf/verifier.c: check_pseudo_btf_id,
ARG_PTR_TO_PERCPU_BTF_ID).
"""

PER_CPU = {"bpf_prog_active": 4}
"""By name: the bytes of its type (kernel/bpf/syscall.c: an int, Linux 6.1 to 7.3)."""
