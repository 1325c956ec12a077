"""Reports turn the records of a run into what people and machines read: HTML, JUnit, KTAP, CSV, Markdown,
reproducers.

A report knows records and the language (``ebpf``); it never talks to a kernel or an oracle.
"""
