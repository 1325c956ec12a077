"""The runners: kernels in virtual machines, properties, campaigns and the command line; the only place that
puts all together.

This file and ``conformance.kernel``'s stay free of third-party imports: ``./veridiff`` reads them before
anything is installed.
"""
