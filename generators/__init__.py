"""Generators make cases: programs valid by construction, near misses that break one named rule, and their
inputs.

A generator knows the language (``ebpf``) and nothing of kernels, oracles or how its cases are judged.
"""
