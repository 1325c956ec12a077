/* The kernel's interfaces besides bpf(2): mounts, modules, sysctls, capabilities, time. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

struct knobs knobs = { .cpus = 1 };

long bpf(enum command command, union attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

long read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	return n;
}

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL) && errno != EBUSY)
		fprintf(stderr, "veridiff agent: no %s: %s\n", type, strerror(errno));
}

static void load_modules(void)
{
	char list[8192];
	char *saved = NULL;

	read_file("/modules/list", list, sizeof(list));
	for (char *name = strtok_r(list, "\n", &saved); name; name = strtok_r(NULL, "\n", &saved)) {
		char path[512];
		snprintf(path, sizeof(path), "/modules/%s", name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			fprintf(stderr, "veridiff agent: module %s: %s\n", name, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
}

static u32 possible_cpus(void)
{
	char text[64];

	/* "0" or "0-3": possible ones are numbered without gaps wherever QEMU is the machine. */
	if (read_file("/sys/devices/system/cpu/possible", text, sizeof(text)) <= 0)
		return 1;
	const char *dash = strchr(text, '-');
	return dash ? (u32)atoi(dash + 1) + 1 : 1;
}

void set_up_system(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	char text[16];

	mount_at("devtmpfs", "/dev");
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("debugfs", "/sys/kernel/debug");
	mount_at("tracefs", "/sys/kernel/tracing");
	mount_at("bpf", "/sys/fs/bpf");
	load_modules();
	setrlimit(RLIMIT_MEMLOCK, &unlimited); /* kernels before 5.11 charge maps and programs to it */
	/* 1 cannot be taken back, so 0 has to come first of all; Debian starts at 2. */
	write_file("/proc/sys/kernel/unprivileged_bpf_disabled", "0");
	knobs.unprivileged = read_file("/proc/sys/kernel/unprivileged_bpf_disabled", text, sizeof(text)) > 0 && text[0] == '0';
	knobs.jit = write_file("/proc/sys/net/core/bpf_jit_enable", "1");
	knobs.harden = write_file("/proc/sys/net/core/bpf_jit_harden", "0");
	knobs.sysrq = access("/proc/sysrq-trigger", W_OK) == 0;
	knobs.cpus = possible_cpus();
	/* A JIT image needs room: the default of a small guest is exhausted by unprivileged loads awaiting RCU. */
	write_file("/proc/sys/net/core/bpf_jit_limit", "268435456");
}

void set_jit(u32 mode)
{
	static int enable = -1, harden = -1;
	static u32 enabled = 1, hardened = 0;
	u32 want_enabled = mode != 0, want_hardened = mode == 2;

	if (enable < 0) {
		enable = open("/proc/sys/net/core/bpf_jit_enable", O_WRONLY | O_CLOEXEC);
		harden = open("/proc/sys/net/core/bpf_jit_harden", O_WRONLY | O_CLOEXEC);
	}
	/* A failed write shows in jited_prog_len, which the host checks anyway. */
	if (want_enabled != enabled && pwrite(enable, want_enabled ? "1" : "0", 1, 0) == 1)
		enabled = want_enabled;
	if (want_hardened != hardened && pwrite(harden, want_hardened ? "2" : "0", 1, 0) == 1)
		hardened = want_hardened;
}

bool set_capabilities(u64 effective)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	static struct __user_cap_data_struct all[2];
	static bool known;
	struct __user_cap_data_struct data[2];

	if (!known && syscall(SYS_capget, &header, all))
		return false;
	known = true;
	memcpy(data, all, sizeof(data));
	/* capable() looks at the effective set alone, whatever the uid (security/commoncap.c, cap_capable), so lowering that
	 * suffices, and the permitted set lets us come back. */
	data[0].effective = all[0].permitted & (u32)effective;
	data[1].effective = all[1].permitted & (u32)(effective >> 32);
	return syscall(SYS_capset, &header, data) == 0;
}

void panic(void)
{
	write_file("/proc/sys/kernel/sysrq", "1");
	write_file("/proc/sysrq-trigger", "c");
	_exit(1); /* without sysrq: the end of init is a panic too */
}

void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}
