/* User-space programs that the host sends, run as children with limits.  Layout: conformance/kernel/protocol/children.py. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define MAX_SLOTS 8u
#define MAX_ARGUMENTS 64u
#define MAX_ARGUMENT_BYTES 8192u
#define MAX_SECONDS 3600u
#define BURIAL_NANOSECONDS 1000000000ull
#define POLL_MICROSECONDS 500

struct child {
	u32 slot, milliseconds, memory_mib, max_output;
	const u8 *file, *input;
	u32 file_len, input_len;
	char path[32], *arguments[MAX_ARGUMENTS + 2]; /* its path first, and NULL behind them */
	char text[MAX_ARGUMENT_BYTES];
};

int wait_for(int child, u64 nanoseconds, int *status)
{
	u64 end = now() + nanoseconds;

	for (;;) {
		pid_t got = waitpid(child, status, WNOHANG);
		if (got == child)
			return 0;
		if (got < 0 && errno != EINTR)
			return errno;
		if (now() > end)
			return ETIMEDOUT;
		usleep(POLL_MICROSECONDS);
	}
}

void bury(int child)
{
	int status;

	kill(child, SIGKILL);
	wait_for(child, BURIAL_NANOSECONDS, &status);
}

/* Each argument ends with a zero. */
static bool get_arguments(struct cursor *c, struct child *child)
{
	u32 len, n = 1;
	const u8 *text = get_blob(c, &len);

	if (c->bad || len > MAX_ARGUMENT_BYTES || (len && text[len - 1]))
		return false;
	memcpy(child->text, text, len);
	for (u32 at = 0; at < len; at += strlen(child->text + at) + 1) {
		if (n > MAX_ARGUMENTS)
			return false;
		child->arguments[n++] = child->text + at;
	}
	child->arguments[n] = NULL;
	return true;
}

static bool get_child(struct cursor *c, struct child *child)
{
	child->slot = get_u32(c);
	child->milliseconds = get_u32(c);
	child->memory_mib = get_u32(c);
	child->max_output = get_u32(c);
	if (!get_arguments(c, child))
		return false;
	child->file = get_blob(c, &child->file_len);
	child->input = get_blob(c, &child->input_len);
	memcpy(child->path, "/child-0", sizeof("/child-0"));
	child->path[7] += child->slot;
	child->arguments[0] = child->path;
	return !c->bad && c->at == c->end && child->slot < MAX_SLOTS && child->milliseconds <= 1000 * MAX_SECONDS &&
	       child->max_output < MAX_FRAME / 2;
}

/* A file of its own each time: one that still runs cannot be written to. */
static int install(const struct child *child)
{
	unlink(child->path);
	int fd = open(child->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	if (fd < 0)
		return errno;
	for (u32 done = 0; done < child->file_len;) {
		ssize_t n = write(fd, child->file + done, child->file_len - done);
		if (n < 0) {
			int error = errno;
			close(fd);
			return error;
		}
		done += n;
	}
	return close(fd) ? errno : 0;
}

static int memory_file(const char *name, const u8 *data, u32 len)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd >= 0 && len && (pwrite(fd, data, len, 0) != (ssize_t)len)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void become(const struct child *child, int input, int output, int errors)
{
	char *environment[] = { NULL };
	struct rlimit memory = { (u64)child->memory_mib << 20, (u64)child->memory_mib << 20 };
	struct rlimit file = { child->max_output, child->max_output }, none = { 0, 0 };

	signal(SIGPIPE, SIG_DFL);
	/* None is the console, where what it prints would be read as the kernel's. */
	if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0)
		_exit(127);
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &file);
	setrlimit(RLIMIT_AS, &memory);
	execve(child->path, child->arguments, environment);
	_exit(127);
}

static int run_child(const struct child *child, int input, int output, int errors, int *status)
{
	pid_t pid = fork();

	if (pid == 0)
		become(child, input, output, errors);
	if (pid < 0)
		return errno;
	int error = wait_for(pid, child->milliseconds * 1000000ull, status);
	if (error)
		bury(pid);
	return error;
}

static void put_file(struct buf *out, int fd)
{
	struct stat size = { 0 };

	if (fd >= 0)
		fstat(fd, &size);
	put_u32(out, size.st_size);
	if (size.st_size) {
		if (pread(fd, reserve(out, size.st_size), size.st_size, 0) != size.st_size)
			die("reading what a child wrote");
		out->len += size.st_size;
	}
}

void do_child(struct cursor *c, struct buf *out)
{
	static struct child child;
	int status = 0;

	if (!get_child(c, &child)) {
		put_u32(out, ~0u);
		return;
	}
	set_capabilities(ALL_CAPABILITIES);
	int error = child.file_len ? install(&child) : 0;
	int input = memory_file("input", child.input, child.input_len);
	int output = memory_file("output", NULL, 0), errors = memory_file("errors", NULL, 0);
	if (!error && (input < 0 || output < 0 || errors < 0))
		error = ENOMEM;
	u64 began = now();
	if (!error)
		error = run_child(&child, input, output, errors, &status);
	u64 took = now() - began;
	put_u32(out, error);
	put_u32(out, status);
	put_u64(out, took);
	put_file(out, output);
	put_file(out, errors);
	put_splats(out);
	close_fd(input);
	close_fd(output);
	close_fd(errors);
}
