"""The properties as ordinary Hypothesis tests: ``pytest conformance/suite -n auto --kernel debian:6.12``.

The same functions that ``veridiff run`` spends its time on; one virtual machine per xdist worker.
"""
