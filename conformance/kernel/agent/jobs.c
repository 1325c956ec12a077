/* A job: one program, its maps, the attempts to load it and the inputs to run it on.  Layout: conformance/kernel/protocol. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

#define LD_IMM64 0x18
#define PSEUDO_MAP_FD 1
#define PSEUDO_MAP_VALUE 2
#define PSEUDO_MAP_IDX 5
#define PSEUDO_MAP_IDX_VALUE 6

static u32 wanted_id(struct job *job, u32 kind, const u8 *name, u32 len)
{
	u32 id = kernel_btf_id(kind, name, len);

	if (!id && !job->missing) {
		job->missing = name;
		job->missing_len = len;
	}
	return id;
}

static void get_program(struct cursor *c, struct job *job)
{
	static struct insn *insns;
	struct program *p = &job->program;
	u32 len, name_len;

	p->type = get_u32(c);
	p->attach_type = get_u32(c);
	p->flags = get_u32(c);
	p->shape = get_u32(c);
	p->btf_fd = -1;
	u32 attach_kind = get_u32(c);
	const u8 *name = get_blob(c, &name_len);
	if (attach_kind)
		p->attach_btf_id = wanted_id(job, attach_kind, name, name_len);
	const u8 *license = get_blob(c, &len);
	if (len)
		memcpy(p->license, license, len < sizeof(p->license) ? len : sizeof(p->license) - 1);
	const u8 *code = job->code = get_blob(c, &len);
	p->n_insns = len / sizeof(struct insn);
	insns = realloc(insns, len + sizeof(struct insn));
	if (!insns)
		die("out of memory for a program");
	if (len)
		memcpy(insns, code, len);
	p->insns = insns;
	p->btf = get_blob(c, &p->btf_size);
	p->func_info = get_blob(c, &len);
	p->n_func_info = len / 8;
	for (u32 n = get_u32(c); n && !c->bad; n--) {
		u32 at = get_u32(c);
		name = get_blob(c, &name_len);
		if (!c->bad && at < p->n_insns)
			insns[at].imm = wanted_id(job, insns[at].opcode == LD_IMM64 ? BTF_VAR : BTF_FUNC, name, name_len);
	}
}

bool get_job(struct cursor *c, struct job *job)
{
	memset(job, 0, sizeof(*job));
	get_program(c, job);
	job->n_maps = get_u32(c);
	if (job->n_maps > MAX_MAPS)
		return false;
	for (u32 i = 0; i < job->n_maps; i++)
		job->maps[i].fd = -1;
	for (u32 i = 0; i < job->n_maps; i++)
		if (!get_map(c, &job->maps[i], &job->inner[i], &job->has_inner[i]))
			return false;
	job->n_attempts = get_u32(c);
	if (job->n_attempts > MAX_ATTEMPTS)
		return false;
	for (u32 i = 0; i < job->n_attempts; i++) {
		struct attempt *a = &job->attempts[i];
		a->jit = get_u32(c);
		a->log_level = get_u32(c);
		a->extra_flags = get_u32(c);
		a->bits = get_u32(c);
		a->capabilities = get_u64(c);
	}
	job->n_inputs = get_u32(c);
	job->inputs = *c;
	for (u32 i = 0; i < job->n_inputs && !c->bad; i++) {
		u32 len;
		get_blob(c, &len);
		get_blob(c, &len);
	}
	return !c->bad;
}

static int load_btf(struct program *p)
{
	static struct buf aligned;
	union attr attr;

	if (!p->btf_size)
		return 0;
	memset(&attr, 0, sizeof(attr));
	attr.btf.btf = (u64)(uintptr_t)memcpy(reserve(&aligned, p->btf_size), p->btf, p->btf_size);
	attr.btf.btf_size = p->btf_size;
	p->btf_fd = bpf(CMD_BTF_LOAD, &attr);
	return p->btf_fd < 0 ? errno : 0;
}

static void close_maps(struct job *job)
{
	for (u32 i = 0; i < job->n_maps; i++)
		close_map(&job->maps[i]);
}

/* What a map's creator may do stays with the map (bypass_spec_v1, and with it verdicts on programs that use it), so it is created
 * by whoever will load the program; types that are not for them are given to them. */
static int create_as(struct job *job, u32 i, u64 capabilities)
{
	struct map *inner = job->has_inner[i] ? &job->inner[i] : NULL;

	if (capabilities != ALL_CAPABILITIES) {
		if (!set_capabilities(capabilities))
			die("capset");
		int error = create_map(&job->maps[i], inner, job->program.btf_fd);
		if (!set_capabilities(ALL_CAPABILITIES))
			die("capset back");
		if (error != EPERM)
			return error;
	}
	return create_map(&job->maps[i], inner, job->program.btf_fd);
}

static s32 map_fd(const struct job *job, const u8 *given)
{
	u32 index;

	memcpy(&index, given, sizeof(index));
	return index < job->n_maps ? job->maps[index].fd : -1;
}

/* Returns 0, or the error, with *at the map it concerns (-1: the program's BTF).  To be called again when the capabilities change. */
int prepare(struct job *job, u64 capabilities, s32 *at)
{
	int error;

	*at = -1;
	error = job->program.btf_fd < 0 ? load_btf(&job->program) : 0;
	close_maps(job);
	for (u32 i = 0; i < job->n_maps && !error; i++) {
		*at = i;
		error = create_as(job, i, capabilities);
	}
	for (u32 i = 0; i < job->n_maps && !error; i++) {
		*at = i;
		error = fill_map(&job->maps[i], job->maps, job->n_maps);
		if (!error && job->maps[i].frozen)
			error = freeze_map(&job->maps[i]);
	}
	for (u32 i = 0; i < job->n_maps; i++)
		job->fds[i] = job->maps[i].fd;
	job->program.fds = NULL;
	for (u32 i = 0; i + 1 < job->program.n_insns; i++) {
		struct insn *insn = &job->program.insns[i];
		const u8 *given = job->code + i * sizeof(struct insn) + offsetof(struct insn, imm);
		if (insn->opcode != LD_IMM64)
			continue;
		if (insn->src == PSEUDO_MAP_FD || insn->src == PSEUDO_MAP_VALUE)
			insn->imm = map_fd(job, given);
		if ((insn->src == PSEUDO_MAP_IDX || insn->src == PSEUDO_MAP_IDX_VALUE) && job->n_maps)
			job->program.fds = job->fds;
		i++;
	}
	return error;
}

void finish(struct job *job)
{
	close_maps(job);
	close_fd(job->program.btf_fd);
}

static void do_runs(struct job *job, int fd, struct buf *out)
{
	struct cursor inputs = job->inputs;

	for (u32 i = 0; i < job->n_inputs; i++) {
		u32 packet_len, context_len;
		const u8 *packet = get_blob(&inputs, &packet_len), *context = get_blob(&inputs, &context_len);

		for (u32 m = 0; m < job->n_maps; m++)
			if (!job->maps[m].frozen && job->maps[m].style != STYLE_MAPS)
				fill_map(&job->maps[m], job->maps, job->n_maps);
		put_run(out, fd, job->program.shape, packet, packet_len, context, context_len);
		for (u32 m = 0; m < job->n_maps; m++)
			put_map(out, &job->maps[m]);
	}
}

void do_job(struct cursor *c, struct buf *out)
{
	static struct job job;
	u32 n_done = 0;
	s32 at;

	if (!get_job(c, &job)) {
		put_u64(out, 0xffffffff);
		return;
	}
	u64 capabilities = job.n_attempts ? job.attempts[0].capabilities : ALL_CAPABILITIES;
	int error = job.missing ? 0 : prepare(&job, capabilities, &at);
	size_t error_at = out->len;
	put_u64(out, 0);
	put_blob(out, job.missing, job.missing_len);
	size_t n_at = out->len;
	put_u32(out, 0);
	for (u32 i = 0; i < job.n_attempts && !error && !job.missing; i++) {
		struct attempt *a = &job.attempts[i];
		struct load l;

		if (a->capabilities != capabilities && job.n_maps) {
			capabilities = a->capabilities;
			error = prepare(&job, capabilities, &at);
			if (error)
				break;
		}
		load(&job.program, a, &l);
		/* Room for the answer's other parts must remain in the frame. */
		if (out->len + l.log_len > MAX_FRAME - (4u << 20)) {
			l.log_len = 0;
			l.truncated = true;
		}
		put_loaded(out, &l, a->bits & ATTEMPT_TRANSLATED);
		bool runs = l.fd >= 0 && (a->bits & ATTEMPT_RUN);
		put_u32(out, runs ? job.n_inputs : 0);
		put_u32(out, job.n_maps);
		if (runs)
			do_runs(&job, l.fd, out);
		close_fd(l.fd);
		n_done++;
	}
	set_u32(out, n_at, n_done);
	if (error) {
		set_u32(out, error_at, error);
		set_u32(out, error_at + 4, at);
	}
	finish(&job);
	put_splats(out);
}

void do_bench(struct cursor *c, struct buf *out)
{
	static struct job job;
	u32 times = get_u32(c), done = 0;
	int error = 0;
	s32 at;
	u64 total = 0;

	if (!get_job(c, &job) || job.n_attempts != 1) {
		put_u64(out, 0xffffffff);
		return;
	}
	error = job.missing ? ENOENT : prepare(&job, job.attempts[0].capabilities, &at);
	if (!error) {
		u64 start = now();
		for (; done < times; done++) {
			struct load l;
			load(&job.program, &job.attempts[0], &l);
			close_fd(l.fd);
			if (!error)
				error = l.error;
		}
		total = now() - start;
	}
	finish(&job);
	put_u32(out, error);
	put_u32(out, done);
	put_u64(out, total);
}
