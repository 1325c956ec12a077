; libbpf 790: the xdp tutorial's parser, a variable that may not be written before it is read
r0 = *(u64 *)(r10 -8)
r0 = 0
exit
