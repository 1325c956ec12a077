/* What makes attached programs run.  System calls are made by a child, so that nothing done to them can stop the agent. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define CHILD_NANOSECONDS 3000000000ull
#define ARRIVAL_MILLISECONDS 200

static void act(u32 trigger)
{
	static char *const arguments[] = { CHILD_NAME, NULL }, *const environment[] = { NULL };

	switch (trigger) {
	case TRIGGER_EXECVE: /* of ourselves: main ends at once when it is not init */
		execve("/proc/self/exe", arguments, environment);
		_exit(errno);
	case TRIGGER_GETPID:
		syscall(SYS_getpid);
		break;
	case TRIGGER_OPENAT: {
		int fd = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			_exit(errno);
		close(fd);
	}
	}
}

static int by_child(u32 trigger, u32 times)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		for (u32 i = 0; i < times; i++)
			act(trigger);
		_exit(0);
	}
	if (child < 0)
		return errno;
	int error = wait_for(child, CHILD_NANOSECONDS, &status);
	if (error) {
		bury(child);
		return error;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

static int raise_loopback(int fd)
{
	struct ifreq request = { .ifr_name = "lo" };

	if (ioctl(fd, SIOCGIFFLAGS, &request))
		return errno;
	if (request.ifr_flags & IFF_UP)
		return 0;
	request.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) ? errno : 0;
}

/* A UDP socket connected to itself: what it sends over loopback comes back to it. */
static int open_loop(int *fd)
{
	struct sockaddr_in self = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(self);

	*fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return errno;
	int error = raise_loopback(*fd);
	if (!error && (bind(*fd, (struct sockaddr *)&self, len) || getsockname(*fd, (struct sockaddr *)&self, &len) ||
		       connect(*fd, (struct sockaddr *)&self, len)))
		error = errno;
	return error;
}

/* Sends packets one by one; *count is the number of bytes that came through. */
static int send_packets(int from, int to, u32 times, const u8 *packet, u32 len, u64 *count)
{
	static u8 room[65536];

	for (u32 i = 0; i < times; i++) {
		struct pollfd p = { .fd = to, .events = POLLIN };
		if (send(from, packet, len, MSG_NOSIGNAL) < 0)
			return errno;
		/* A program that drops packets leaves none to wait for, so a few milliseconds must do. */
		if (poll(&p, 1, i ? 1 : ARRIVAL_MILLISECONDS) == 1) {
			ssize_t n = recv(to, room, sizeof(room), 0);
			*count += n > 0 ? n : 0;
		}
	}
	return 0;
}

int pull(u32 trigger, u32 times, const struct site *site, const u8 *packet, u32 packet_len, u64 *count)
{
	int error = 0, loop = -1;

	*count = 0;
	switch (trigger) {
	case TRIGGER_EXECVE:
		for (; *count < times && !error; *count += !error)
			error = by_child(trigger, 1);
		return error;
	case TRIGGER_GETPID:
	case TRIGGER_OPENAT:
		error = by_child(trigger, times);
		*count = error ? 0 : times;
		return error;
	case TRIGGER_PACKET:
		if (site->place == PLACE_SOCKET)
			return send_packets(site->sender, site->holder, times, packet, packet_len, count);
		error = open_loop(&loop);
		if (!error)
			error = send_packets(loop, loop, times, packet, packet_len, count);
		close_fd(loop);
		return error;
	}
	return 0;
}
