; cilium 38315: misaligned stack access off 0+0+-60 size 8
; (the same: bpftrace 2006, buf() as a key for hist())
r1 = 1277
*(u64 *)(r10 -60) = r1
r0 = 0
exit
