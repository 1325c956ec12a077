/* BPF_PROG_LOAD and BPF_PROG_TEST_RUN. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

#define FIRST_LOG (1u << 20)
#define MAX_AGAIN 20
#define DATA_OUT_ROOM 8192u
#define CONTEXT_OUT_ROOM 1024u

static char *log_buffer;
static u32 log_size;

static void grow_log(u32 size)
{
	if (size <= log_size)
		return;
	free(log_buffer);
	log_buffer = malloc(size);
	if (!log_buffer)
		die("out of memory for a log");
	log_size = size;
}

static int load_once(const struct program *p, const struct attempt *a, u32 log_level, u32 size, u32 *true_size, u64 *nanoseconds)
{
	union attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.load.prog_type = p->type;
	attr.load.insn_cnt = p->n_insns;
	attr.load.insns = (u64)(uintptr_t)p->insns;
	attr.load.license = (u64)(uintptr_t)p->license;
	attr.load.prog_flags = p->flags | a->extra_flags;
	attr.load.expected_attach_type = p->attach_type;
	attr.load.attach_btf_id = p->attach_btf_id;
	attr.load.fd_array = (u64)(uintptr_t)p->fds;
	if (p->btf_fd >= 0) {
		attr.load.prog_btf_fd = p->btf_fd;
		if (p->n_func_info) {
			attr.load.func_info = (u64)(uintptr_t)p->func_info;
			attr.load.func_info_rec_size = 8;
			attr.load.func_info_cnt = p->n_func_info;
		}
	}
	if (log_level) {
		log_buffer[0] = 0;
		attr.load.log_level = log_level;
		attr.load.log_size = size;
		attr.load.log_buf = (u64)(uintptr_t)log_buffer;
	}
	for (int again = 0; again < MAX_AGAIN; again++) {
		u64 start = now();
		fd = bpf(CMD_PROG_LOAD, &attr);
		*nanoseconds = now() - start;
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	*true_size = attr.load.log_true_size;
	return fd;
}

static void load_at(const struct program *p, const struct attempt *a, u32 log_level, struct load *l)
{
	u32 true_size;

	memset(l, 0, sizeof(*l));
	grow_log(FIRST_LOG);
	l->fd = load_once(p, a, log_level, log_size, &true_size, &l->nanoseconds);
	l->error = l->fd < 0 ? errno : 0;
	/* The kernel says how much it wanted since 6.4; a load costs minutes at worst, so none is made that cannot succeed. */
	if (log_level && l->error == ENOSPC && log_size < MAX_LOG && true_size < MAX_LOG - 4096) {
		grow_log(true_size ? true_size + 4096 : MAX_LOG);
		l->fd = load_once(p, a, log_level, log_size, &true_size, &l->nanoseconds);
		l->error = l->fd < 0 ? errno : 0;
	}
	if (log_level) {
		l->log = log_buffer;
		l->log_len = strnlen(log_buffer, log_size);
		/* ENOSPC is about the log: it says nothing of the program, and the verdict stays unknown. */
		l->truncated = l->error == ENOSPC && l->log_len + 1 >= log_size - 1;
	}
}

bool tells_log_size(void)
{
	struct insn code[] = { { .opcode = 0xb7 }, { .opcode = 0x95 } }; /* r0 = 0; exit */
	struct program program = { .type = 1, .n_insns = 2, .insns = code, .license = "GPL", .btf_fd = -1 };
	struct attempt attempt = { 0 };
	u64 nanoseconds;
	u32 true_size;

	grow_log(FIRST_LOG);
	close_fd(load_once(&program, &attempt, 2, log_size, &true_size, &nanoseconds));
	return true_size != 0;
}

void load(const struct program *p, const struct attempt *a, struct load *l)
{
	set_jit(a->jit);
	bool lowered = a->capabilities != ALL_CAPABILITIES;
	if (lowered && !set_capabilities(a->capabilities))
		die("capset");
	load_at(p, a, a->log_level, l);
	/* A refusal without a word is no verdict; the same load with messages gives the evidence, for the price of a refusal only. */
	if (l->fd < 0 && a->log_level == 0) {
		u64 silent = l->nanoseconds;
		load_at(p, a, 1, l);
		l->nanoseconds = silent;
	}
	if (lowered && !set_capabilities(ALL_CAPABILITIES))
		die("capset back");
}

static bool info(int fd, struct prog_info *i)
{
	union attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = fd;
	attr.info.info_len = sizeof(*i);
	attr.info.info = (u64)(uintptr_t)i;
	return bpf(CMD_INFO_BY_FD, &attr) == 0;
}

void put_loaded(struct buf *out, const struct load *l, bool translated)
{
	struct prog_info i;
	static struct buf xlated;
	bool known;

	memset(&i, 0, sizeof(i));
	known = l->fd >= 0 && info(l->fd, &i);
	u32 length = known ? i.xlated_prog_len : 0;
	if (translated && length) {
		u32 jited = i.jited_prog_len, verified = i.verified_insns;
		u8 *to = reserve(&xlated, length);
		memset(&i, 0, sizeof(i));
		i.xlated_prog_len = length;
		i.xlated_prog_insns = (u64)(uintptr_t)to;
		/* The kernel clears the pointer when it will not show a blinded program (bpf_prog_get_info_by_fd). */
		if (!info(l->fd, &i) || !i.xlated_prog_insns)
			length = 0;
		i.jited_prog_len = jited;
		i.verified_insns = verified;
	}
	put_u32(out, l->error);
	put_u32(out, l->truncated);
	put_u32(out, known ? i.jited_prog_len : 0);
	put_u32(out, known ? i.verified_insns : 0);
	put_u64(out, l->nanoseconds);
	put_blob(out, l->log, l->log_len);
	put_blob(out, xlated.data, translated ? length : 0);
}

void put_run(struct buf *out, int fd, u32 shape, const u8 *packet, u32 packet_len, const u8 *context, u32 context_len)
{
	static struct buf data, ctx, ctx_in;
	u32 data_len = 0, ctx_len = 0;
	union attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = fd;
	if (shape == SHAPE_PACKET && packet_len) {
		data_len = packet_len + DATA_OUT_ROOM;
		attr.test.data_in = (u64)(uintptr_t)packet;
		attr.test.data_size_in = packet_len;
		attr.test.data_out = (u64)(uintptr_t)reserve(&data, data_len);
		attr.test.data_size_out = data_len;
	}
	if (context_len) {
		/* A copy: for syscall programs the kernel writes the context back to where it came from. */
		memcpy(reserve(&ctx_in, context_len), context, context_len);
		attr.test.ctx_in = (u64)(uintptr_t)ctx_in.data;
		attr.test.ctx_size_in = context_len;
		if (shape == SHAPE_PACKET || shape == SHAPE_CONTEXT) {
			/* All of the kernel's structure or ENOSPC, whatever the length of what went in. */
			ctx_len = context_len + CONTEXT_OUT_ROOM;
			memset(reserve(&ctx, ctx_len), 0, ctx_len);
			attr.test.ctx_out = (u64)(uintptr_t)ctx.data;
			attr.test.ctx_size_out = ctx_len;
		}
	}
	/* raw_tp and syscall programs refuse every field that is not theirs, repeat included (net/bpf/test_run.c). */
	attr.test.repeat = shape == SHAPE_PACKET || shape == SHAPE_CONTEXT;
	u64 start = now();
	int error = bpf(CMD_TEST_RUN, &attr) ? errno : 0;
	u64 nanoseconds = now() - start;
	put_u32(out, error);
	put_u32(out, error ? 0 : attr.test.retval);
	put_u64(out, nanoseconds);
	if (error)
		data_len = ctx_len = 0;
	else if (attr.test.data_size_out < data_len)
		data_len = attr.test.data_size_out;
	put_blob(out, data.data, data_len);
	if (shape == SHAPE_SYSCALL && !error)
		put_blob(out, ctx_in.data, context_len);
	else
		put_blob(out, ctx.data, ctx_len < attr.test.ctx_size_out ? ctx_len : attr.test.ctx_size_out);
}
