"""Setting veridiff up on first use: system packages, a virtual environment, and the way from there to the
command line.

Runs before anything is installed, so only the standard library (and ``conformance.kernel.apt``) may be
imported here.
"""
