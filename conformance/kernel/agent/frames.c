/* Length-prefixed frames: u32 payload length, u32 kind, u64 id, payload; little-endian. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

#define HEADER 16u
#define NEAR_BYTES (64u << 10)

void die(const char *why)
{
	/* The console is what the host shows of a lost VM; init's exit then panics the kernel, which ends QEMU. */
	fprintf(stderr, "veridiff agent: %s (errno %d, %s)\n", why, errno, strerror(errno));
	_exit(1);
}

u8 *reserve(struct buf *b, size_t len)
{
	if (b->len + len > b->cap) {
		size_t cap = b->cap ? b->cap : 1 << 16;
		while (cap < b->len + len)
			cap *= 2;
		b->data = realloc(b->data, cap);
		if (!b->data)
			die("out of memory for an answer");
		b->cap = cap;
	}
	return b->data + b->len;
}

void put(struct buf *b, const void *data, size_t len)
{
	if (!len)
		return;
	memcpy(reserve(b, len), data, len);
	b->len += len;
}

void put_u32(struct buf *b, u32 value)
{
	value = htole32(value);
	put(b, &value, sizeof(value));
}

void set_u32(struct buf *b, size_t at, u32 value)
{
	value = htole32(value);
	memcpy(b->data + at, &value, sizeof(value));
}

void put_u64(struct buf *b, u64 value)
{
	value = htole64(value);
	put(b, &value, sizeof(value));
}

void put_blob(struct buf *b, const void *data, size_t len)
{
	put_u32(b, len);
	put(b, data, len);
}

const u8 *get(struct cursor *c, size_t len)
{
	const u8 *at = c->at;

	if (c->bad || (size_t)(c->end - at) < len) {
		c->bad = true;
		return NULL;
	}
	c->at += len;
	return at;
}

u32 get_u32(struct cursor *c)
{
	const u8 *at = get(c, sizeof(u32));
	u32 value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

u64 get_u64(struct cursor *c)
{
	const u8 *at = get(c, sizeof(u64));
	u64 value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

const u8 *get_blob(struct cursor *c, u32 *len)
{
	*len = get_u32(c);
	const u8 *at = get(c, *len);
	if (!at)
		*len = 0;
	return at;
}

/* Bytes read from the port and not yet consumed are input.data[taken .. input.len). */
static struct buf input;
static size_t taken;

static bool fill(int port, size_t need)
{
	if (input.len - taken < need && taken) {
		memmove(input.data, input.data + taken, input.len - taken);
		input.len -= taken;
		taken = 0;
	}
	while (input.len - taken < need) {
		size_t room = need - (input.len - taken);
		u8 *to = reserve(&input, room < 65536 ? 65536 : room);
		ssize_t n = read(port, to, input.cap - input.len);

		if (n == 0)
			return false;
		if (n < 0 && errno != EINTR)
			die("reading the port");
		if (n > 0)
			input.len += n;
	}
	return true;
}

static struct cursor near_header(void)
{
	return (struct cursor){ .at = input.data + taken, .end = input.data + taken + HEADER };
}

bool read_frame(int port, u32 *kind, u64 *id, struct cursor *payload)
{
	if (!fill(port, HEADER))
		return false;
	struct cursor header = near_header();
	u32 len = get_u32(&header);
	if (len > MAX_FRAME)
		die("a frame is longer than the protocol allows");
	if (!fill(port, HEADER + (size_t)len))
		return false;
	header = near_header(); /* filling may have moved it */
	get_u32(&header);
	*kind = get_u32(&header);
	*id = get_u64(&header);
	*payload = (struct cursor){ .at = header.end, .end = header.end + len };
	taken += HEADER + (size_t)len;
	return true;
}

bool frame_is_near(int port)
{
	struct pollfd p = { .fd = port, .events = POLLIN };
	size_t here = input.len - taken;

	if (here >= HEADER) {
		struct cursor header = near_header();
		u32 len = get_u32(&header);
		if (here >= HEADER + (size_t)len)
			return true;
		if (len > NEAR_BYTES)
			return false;
	}
	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

size_t begin_frame(struct buf *out, u32 kind, u64 id)
{
	size_t start = out->len;

	put_u32(out, 0);
	put_u32(out, kind);
	put_u64(out, id);
	return start;
}

void end_frame(struct buf *out, size_t start)
{
	set_u32(out, start, out->len - start - HEADER);
}

void flush(int port, struct buf *out)
{
	size_t done = 0;

	while (done < out->len) {
		ssize_t n = write(port, out->data + done, out->len - done);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			die("writing to the port");
		if (n > 0)
			done += n;
	}
	out->len = 0;
}
