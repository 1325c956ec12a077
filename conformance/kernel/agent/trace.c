/* The trace pipe: read without blocking, and no more than a bound of it. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "agent.h"

#define MAX_TRACE (256u << 10)
#define MAX_READS 4096
#define CHUNK 4096u
#define BUFFER_KIB "1024"

int forget_trace(void)
{
	static bool enlarged;

	/* Until somebody asks for events by name the buffer has a page or two (tracing_update_buffers, kernel/trace/trace.c), and the
	 * oldest lines make room for new ones. */
	if (!enlarged)
		enlarged = write_file("/sys/kernel/tracing/buffer_size_kb", BUFFER_KIB);
	/* Opening the buffer's file for truncation clears it (tracing_open, kernel/trace/trace.c). */
	int fd = open("/sys/kernel/tracing/trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

int read_trace(struct buf *to, bool *truncated)
{
	int fd = open("/sys/kernel/tracing/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC), error = 0;

	*truncated = true;
	if (fd < 0)
		return errno;
	for (int reads = 0; reads < MAX_READS && to->len < MAX_TRACE; reads++) {
		ssize_t n = read(fd, reserve(to, CHUNK), CHUNK);
		if (n > 0) {
			to->len += n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* EAGAIN: nothing left.  0: tracing was switched off, which is an end too. */
		error = n < 0 && errno != EAGAIN ? errno : 0;
		*truncated = error != 0;
		break;
	}
	close(fd);
	return error;
}
