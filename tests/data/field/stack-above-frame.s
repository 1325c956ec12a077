; bpftrace 3315: iter:task_file, invalid write to stack R10 off=8 size=4
r1 = 0
*(u32 *)(r10 +8) = r1
r0 = 0
exit
