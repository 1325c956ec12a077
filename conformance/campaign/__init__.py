"""A campaign: a time budget spent on the properties, in rounds with seeds of their own, on one or more
kernels.

Workers (a process and a virtual machine each) generate, judge, confirm and shrink; what they find is on disk
before anything else happens with it.  The parent counts, shows progress and writes the reports.
"""
