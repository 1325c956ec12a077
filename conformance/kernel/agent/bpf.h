/* What the agent needs of bpf(2), spelled out: the host's kernel headers may be years older or newer than the guest's kernel.
 *
 * Field order is include/uapi/linux/bpf.h (Linux 7.3).  A kernel that knows fewer fields accepts the longer union as long as the
 * tail is zero (bpf_check_uarg_tail_zero), so one binary serves 5.10 and everything after it.
 */
#pragma once
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;

enum command {
	CMD_MAP_CREATE = 0,
	CMD_MAP_LOOKUP = 1,
	CMD_MAP_UPDATE = 2,
	CMD_MAP_DELETE = 3,
	CMD_MAP_NEXT_KEY = 4,
	CMD_PROG_LOAD = 5,
	CMD_PROG_ATTACH = 8,
	CMD_PROG_DETACH = 9,
	CMD_TEST_RUN = 10,
	CMD_INFO_BY_FD = 15,
	CMD_RAW_TRACEPOINT_OPEN = 17,
	CMD_BTF_LOAD = 18,
	CMD_MAP_POP = 21,
	CMD_MAP_FREEZE = 22,
	CMD_MAP_LOOKUP_BATCH = 24,
	CMD_MAP_UPDATE_BATCH = 26,
	CMD_LINK_CREATE = 28,
};

union attr {
	struct {
		u32 map_type, key_size, value_size, max_entries, map_flags, inner_map_fd, numa_node;
		char map_name[16];
		u32 map_ifindex, btf_fd, btf_key_type_id, btf_value_type_id, btf_vmlinux_value_type_id;
		u64 map_extra;
	} map;
	struct {
		u32 map_fd;
		u64 key __attribute__((aligned(8)));
		u64 value, flags;
	} elem;
	struct {
		u64 in_batch, out_batch, keys, values;
		u32 count, map_fd;
		u64 elem_flags, flags;
	} batch;
	struct {
		u32 prog_type, insn_cnt;
		u64 insns, license;
		u32 log_level, log_size;
		u64 log_buf;
		u32 kern_version, prog_flags;
		char prog_name[16];
		u32 prog_ifindex, expected_attach_type, prog_btf_fd, func_info_rec_size;
		u64 func_info;
		u32 func_info_cnt, line_info_rec_size;
		u64 line_info;
		u32 line_info_cnt, attach_btf_id, attach_prog_fd, core_relo_cnt;
		u64 fd_array, core_relos;
		u32 core_relo_rec_size;
		u32 log_true_size; /* written by the kernel since 6.4 */
	} load;
	struct {
		u32 prog_fd, retval, data_size_in, data_size_out;
		u64 data_in, data_out;
		u32 repeat, duration, ctx_size_in, ctx_size_out;
		u64 ctx_in, ctx_out;
		u32 flags, cpu, batch_size;
	} test;
	struct {
		u32 bpf_fd, info_len;
		u64 info;
	} info;
	struct {
		u64 btf, btf_log_buf;
		u32 btf_size, btf_log_size, btf_log_level;
	} btf;
	struct {
		u32 target_fd, attach_bpf_fd, attach_type, attach_flags;
	} attach;
	struct {
		u64 name;
		u32 prog_fd;
	} raw_tracepoint;
	struct {
		u32 prog_fd, target_fd, attach_type, flags;
	} link;
	u8 whole[192];
};

struct prog_info {
	u32 type, id;
	u8 tag[8];
	u32 jited_prog_len, xlated_prog_len;
	u64 jited_prog_insns, xlated_prog_insns, load_time;
	u32 created_by_uid, nr_map_ids;
	u64 map_ids;
	char name[16];
	u32 ifindex, gpl_compatible;
	u64 netns_dev, netns_ino;
	u32 nr_jited_ksyms, nr_jited_func_lens;
	u64 jited_ksyms, jited_func_lens;
	u32 btf_id, func_info_rec_size;
	u64 func_info;
	u32 nr_func_info, nr_line_info;
	u64 line_info, jited_line_info;
	u32 nr_jited_line_info, line_info_rec_size, jited_line_info_rec_size, nr_prog_tags;
	u64 prog_tags, run_time_ns, run_cnt, recursion_misses;
	u32 verified_insns, attach_btf_obj_id, attach_btf_id, padding; /* since 5.16 */
};

struct insn {
	u8 opcode, dst : 4, src : 4; /* the compiler's bit-fields swap the halves on a big-endian machine, as the kernel's do */
	int16_t off;
	s32 imm;
};
