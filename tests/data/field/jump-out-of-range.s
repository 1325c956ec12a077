; netlink 312: BPF Load Program failing, jump out of range from insn 1 to 2
r0 = 0
goto pc+0
