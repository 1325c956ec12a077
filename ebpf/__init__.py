"""The eBPF language as pure values: instructions, programs, maps, domains, rules and case files.

Everything here is bytes in, values out (and back).  No kernel, no solver, no I/O: the two oracles and the
kernel session share this package and nothing else.
"""
