"""The plug-in: bpf_conformance's protocol, answered by our interpreter or by a kernel."""
