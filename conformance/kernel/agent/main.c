/* init: sets the system up, finds the port, serves frames until the host goes away. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent.h"

#define PORT_NAME "veridiff"
#define FLUSH_BYTES (64u << 10)
#define FLUSH_NANOSECONDS 20000000ull

static int open_port(void)
{
	/* The driver may still be probing when init starts: wait up to ten seconds. */
	for (int tries = 0; tries < 1000; tries++, usleep(10000)) {
		DIR *ports = opendir("/sys/class/virtio-ports");
		struct dirent *entry;

		while (ports && (entry = readdir(ports))) {
			char path[512], name[64];
			snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
			if (entry->d_name[0] == '.' || read_file(path, name, sizeof(name)) <= 0 || strncmp(name, PORT_NAME, strlen(PORT_NAME)))
				continue;
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			int fd = open(path, O_RDWR | O_CLOEXEC);
			if (fd >= 0) {
				closedir(ports);
				return fd;
			}
		}
		if (ports)
			closedir(ports);
	}
	die("no virtio-serial port named " PORT_NAME);
}

static void hello(struct buf *out)
{
	struct utsname names;

	uname(&names);
	put_u32(out, PROTOCOL_VERSION);
	put_blob(out, names.release, strlen(names.release));
	put_blob(out, names.machine, strlen(names.machine));
	put_u32(out, knobs.cpus);
	put_u32(out, knobs.jit | knobs.harden << 1 | knobs.unprivileged << 2 | knobs.sysrq << 3 |
			     (access("/sys/kernel/btf/vmlinux", R_OK) == 0) << 4 |
			     (access("/sys/kernel/tracing/events", R_OK) == 0) << 5 | tells_log_size() << 6);
	put_u64(out, now());
}

static void answer(u32 kind, u64 id, struct cursor *payload, struct buf *out)
{
	size_t start = begin_frame(out, kind, id);

	switch (kind) {
	case KIND_HELLO:
		hello(out);
		break;
	case KIND_PING:
		break;
	case KIND_JOB:
		do_job(payload, out);
		break;
	case KIND_BENCH:
		do_bench(payload, out);
		break;
	case KIND_ATTACH:
		do_attach(payload, out);
		break;
	case KIND_CHILD:
		do_child(payload, out);
		break;
	case KIND_PANIC:
		panic();
	case KIND_HANG:
		for (;;)
			pause();
	default:
		set_u32(out, start + 4, KIND_ERROR);
	}
	end_frame(out, start);
}

int main(int argc, char **argv)
{
	struct buf out = { 0 };
	struct cursor payload;
	u32 kind;
	u64 id, flushed;

	/* The child of a trigger that wanted an execve, and has done its part: without a system call that might trigger more. */
	if (argc && !strcmp(argv[0], CHILD_NAME))
		return 0;
	int console = open("/dev/console", O_RDWR);
	set_up_system();
	if (console < 0 && (console = open("/dev/console", O_RDWR)) < 0)
		console = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(console, fd);
	int port = open_port();
	open_dmesg();
	flushed = now();
	while (read_frame(port, &kind, &id, &payload)) {
		answer(kind, id, &payload, &out);
		/* Answers are gathered while small jobs wait, but not for long: the host's watchdog counts from answer to answer. */
		if (out.len >= FLUSH_BYTES || !frame_is_near(port) || now() - flushed > FLUSH_NANOSECONDS) {
			flush(port, &out);
			flushed = now();
		}
	}
	die("the host is gone");
}
