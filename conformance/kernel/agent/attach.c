/* A program loaded, attached, triggered, detached and read back, stage by stage.  Layout: conformance/kernel/protocol/attach.py.
 *
 * Nothing is read before the program is detached: reading makes system calls of its own, which might trigger it. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "agent.h"

#define MAX_STAGES 16u
#define MAX_TIMES 1000u
#define ALARM_SECONDS 20

enum stage {
	STAGE_MAPS = 1, STAGE_LOAD, STAGE_FIND, STAGE_OPEN, STAGE_ATTACH, STAGE_ENABLE, STAGE_TRIGGER, STAGE_DETACH, STAGE_READ
};

static struct {
	u32 stage, error;
	u64 value;
} notes[MAX_STAGES];
static u32 n_notes;

static bool note(enum stage stage, int error, u64 value)
{
	if (n_notes < MAX_STAGES) {
		notes[n_notes].stage = stage;
		notes[n_notes].error = error;
		notes[n_notes++].value = value;
	}
	return !error;
}

static void on_alarm(int number)
{
	(void)number;
}

/* A system call that blocks all the same ends in EINTR: the handler is there, and nothing is restarted. */
static void set_alarm(int seconds)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = { .it_value.tv_sec = seconds, .it_interval.tv_sec = seconds ? 1 : 0 };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static const u8 *first_packet(const struct job *job, u32 *len)
{
	static const u8 zeros[64];
	struct cursor inputs = job->inputs;

	*len = 0;
	const u8 *packet = job->n_inputs ? get_blob(&inputs, len) : NULL;
	if (*len)
		return packet;
	*len = sizeof(zeros);
	return zeros;
}

static bool bring_up(struct site *site, int program)
{
	int error = find_site(site);

	if (!note(STAGE_FIND, error, site->id))
		return false;
	if (!note(STAGE_OPEN, open_site(site), 0) || !note(STAGE_ATTACH, attach_site(site, program), site->way))
		return false;
	return site->event < 0 || note(STAGE_ENABLE, enable_site(site), 0);
}

static void live(struct site *site, int program, const struct job *job, u32 trigger, u32 times, struct buf *trace, bool *truncated)
{
	u32 len;
	u64 count = 0;
	const u8 *packet = first_packet(job, &len);

	set_alarm(ALARM_SECONDS);
	forget_trace();
	bool up = bring_up(site, program);
	if (up) {
		int error = pull(trigger, times, site, packet, len, &count);
		note(STAGE_TRIGGER, error, count);
	}
	if (site->event >= 0 || site->holder >= 0)
		note(STAGE_DETACH, detach_site(site, program), 0);
	if (up) {
		int error = read_trace(trace, truncated);
		note(STAGE_READ, error, trace->len);
	}
	set_alarm(0);
}

static bool get_site(struct cursor *c, struct site *site)
{
	u32 len;

	memset(site, 0, sizeof(*site));
	site->event = site->sender = site->holder = -1;
	site->place = get_u32(c);
	site->way = get_u32(c);
	const u8 *name = get_blob(c, &len);
	if (c->bad || len >= sizeof(site->name))
		return false;
	if (len)
		memcpy(site->name, name, len);
	return true;
}

/* The last part of an answer: what an answer to a plain job is. */
static void put_answer(struct buf *out, const struct job *job, const struct load *l, bool loaded, int error, s32 at)
{
	size_t start = out->len;

	put_u32(out, 0);
	put_u32(out, error);
	put_u32(out, at);
	put_blob(out, job->missing, job->missing_len);
	put_u32(out, loaded);
	if (loaded) {
		put_loaded(out, l, job->attempts[0].bits & ATTEMPT_TRANSLATED);
		put_u32(out, 0);
		put_u32(out, job->n_maps);
	}
	put_splats(out);
	u32 len = out->len - start - sizeof(u32);
	set_u32(out, start, len);
}

void do_attach(struct cursor *c, struct buf *out)
{
	static struct job job;
	static struct site site;
	static struct buf trace;
	struct load l = { .fd = -1 };
	bool truncated = false, ready = false;
	s32 at = 0;

	bool sane = get_site(c, &site);
	u32 trigger = get_u32(c), times = get_u32(c);
	if (!sane || times > MAX_TIMES || !get_job(c, &job) || job.n_attempts != 1) {
		put_u32(out, ~0u);
		return;
	}
	n_notes = 0;
	trace.len = 0;
	int error = job.missing ? 0 : prepare(&job, job.attempts[0].capabilities, &at);
	if (!job.missing)
		ready = note(STAGE_MAPS, error, error ? at : 0);
	if (ready) {
		load(&job.program, &job.attempts[0], &l);
		if (note(STAGE_LOAD, l.error, 0))
			live(&site, l.fd, &job, trigger, times, &trace, &truncated);
	}
	put_u32(out, n_notes);
	for (u32 i = 0; i < n_notes; i++) {
		put_u32(out, notes[i].stage);
		put_u32(out, notes[i].error);
		put_u64(out, notes[i].value);
	}
	put_blob(out, site.format, strlen(site.format));
	put_blob(out, trace.data, trace.len);
	put_u32(out, truncated);
	put_u32(out, ready ? job.n_maps : 0);
	for (u32 i = 0; i < job.n_maps && ready; i++)
		put_map(out, &job.maps[i]);
	put_answer(out, &job, &l, ready, error, error ? at : 0);
	close_fd(l.fd);
	finish(&job);
}
