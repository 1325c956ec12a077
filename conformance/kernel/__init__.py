"""Contact with a real kernel, always in a virtual machine: images, QEMU, the agent, its protocol, sessions,
logs, features."""
