/* Where programs are attached: perf events (tracepoints, kprobes), raw tracepoints, sockets, cgroups. */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"

#ifndef SO_ATTACH_BPF
#define SO_ATTACH_BPF 50
#endif
#define ATTACH_CGROUP_INGRESS 0u
#define ATTACH_CGROUP_EGRESS 1u
#define ATTACH_PERF_EVENT 41u /* BPF_PERF_EVENT, since Linux 5.15 */
#define KPROBE_DEVICE "/sys/bus/event_source/devices/kprobe/"
#define CGROUP_ROOT "/sys/fs/cgroup"

static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

/* The id is in the format file, which the host wants too. */
static int find_tracepoint(struct site *site)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/kernel/tracing/events/%s/format", site->name);
	if (read_file(path, site->format, sizeof(site->format)) < 0)
		return errno;
	const char *id = strstr(site->format, "\nID: ");
	if (!id)
		return EBADMSG;
	site->id = strtoull(id + 5, NULL, 10);
	return 0;
}

int find_site(struct site *site)
{
	char text[32];

	if (site->place == PLACE_TRACEPOINT)
		return find_tracepoint(site);
	if (site->place == PLACE_KPROBE || site->place == PLACE_KRETPROBE) {
		/* Kinds of perf events outside of the ABI's enumeration have numbers given at boot. */
		if (read_file(KPROBE_DEVICE "type", text, sizeof(text)) < 0)
			return errno;
		site->id = strtoull(text, NULL, 10);
	}
	return 0; /* the others are found by name when they are attached to */
}

static int open_event(struct site *site)
{
	struct perf_event_attr event;
	char text[64];

	memset(&event, 0, sizeof(event));
	event.size = sizeof(event);
	if (site->place == PLACE_TRACEPOINT) {
		event.type = PERF_TYPE_TRACEPOINT;
		event.config = site->id;
	} else {
		event.type = site->id;
		event.config1 = (u64)(uintptr_t)site->name; /* kprobe_func; the offset, config2, stays 0 */
		if (site->place == PLACE_KRETPROBE) {
			if (read_file(KPROBE_DEVICE "format/retprobe", text, sizeof(text)) < 0)
				return errno;
			if (strncmp(text, "config:", 7))
				return EBADMSG;
			event.config = 1ull << atoi(text + 7);
		}
	}
	/* All processes, one CPU: a program runs wherever its event happens (perf_syscall_enter, kernel/trace/trace_syscalls.c). */
	site->event = syscall(SYS_perf_event_open, &event, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return error_of(site->event);
}

static int open_pair(struct site *site)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
		return errno;
	site->sender = pair[0];
	site->holder = pair[1];
	return 0;
}

static int open_cgroup(struct site *site)
{
	static bool mounted;

	if (!mounted && mount("cgroup2", CGROUP_ROOT, "cgroup2", 0, NULL) && errno != EBUSY)
		return errno;
	mounted = true;
	site->holder = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return error_of(site->holder);
}

int open_site(struct site *site)
{
	switch (site->place) {
	case PLACE_TRACEPOINT:
	case PLACE_KPROBE:
	case PLACE_KRETPROBE:
		return open_event(site);
	case PLACE_SOCKET:
		return open_pair(site);
	case PLACE_CGROUP:
		return open_cgroup(site);
	}
	return 0;
}

static u32 cgroup_type(const struct site *site)
{
	return strcmp(site->name, "egress") ? ATTACH_CGROUP_INGRESS : ATTACH_CGROUP_EGRESS;
}

static int link_site(struct site *site, int program)
{
	bool cgroup = site->place == PLACE_CGROUP;
	union attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link.prog_fd = program;
	attr.link.target_fd = cgroup ? site->holder : site->event;
	attr.link.attach_type = cgroup ? cgroup_type(site) : ATTACH_PERF_EVENT;
	int link = bpf(CMD_LINK_CREATE, &attr);
	if (link < 0)
		return errno;
	if (cgroup)
		close_fd(site->holder); /* the link holds the program from here on */
	site->holder = link;
	return 0;
}

static int attach_cgroup(const struct site *site, int program, enum command command)
{
	union attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.attach.target_fd = site->holder;
	attr.attach.attach_bpf_fd = program;
	attr.attach.attach_type = cgroup_type(site);
	return error_of(bpf(command, &attr));
}

static int attach_raw(struct site *site, int program)
{
	union attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.name = (u64)(uintptr_t)site->name;
	attr.raw_tracepoint.prog_fd = program;
	site->holder = bpf(CMD_RAW_TRACEPOINT_OPEN, &attr);
	return error_of(site->holder);
}

int attach_site(struct site *site, int program)
{
	int error = EINVAL;

	if (site->way == WAY_LINK)
		error = link_site(site, program);
	else if (site->way == WAY_IOCTL)
		error = error_of(ioctl(site->event, PERF_EVENT_IOC_SET_BPF, program));
	else if (site->place == PLACE_RAW_TRACEPOINT)
		error = attach_raw(site, program);
	else if (site->place == PLACE_SOCKET)
		error = error_of(setsockopt(site->holder, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)));
	else if (site->place == PLACE_CGROUP)
		error = attach_cgroup(site, program, CMD_PROG_ATTACH);
	site->attached = !error;
	return error;
}

int enable_site(struct site *site)
{
	return error_of(ioctl(site->event, PERF_EVENT_IOC_ENABLE, 0));
}

static int shut(int *fd)
{
	int error = *fd >= 0 ? error_of(close(*fd)) : 0;

	*fd = -1;
	return error;
}

int detach_site(struct site *site, int program)
{
	/* A cgroup outlives us and would keep the program; everything else lets it go with the last descriptor. */
	bool stays = site->attached && site->place == PLACE_CGROUP && site->way == WAY_OWN;
	int error = stays ? attach_cgroup(site, program, CMD_PROG_DETACH) : 0;
	int closing[] = { shut(&site->holder), shut(&site->event), shut(&site->sender) };

	for (int i = 0; i < 3; i++)
		error = error ? error : closing[i];
	site->attached = false;
	return error;
}
