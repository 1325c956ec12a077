/* Type ids in the kernel's own BTF by name: they differ from build to build, so a case carries names. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"

struct btf_header {
	uint16_t magic;
	u8 version, flags;
	u32 hdr_len, type_off, type_len, str_off, str_len;
};

struct btf_type {
	u32 name_off, info, size_or_type;
};

/* Bytes after the three common words, per kind (include/uapi/linux/btf.h): fixed, and for each of `vlen` members. */
static const struct { u8 fixed, each; } TRAILER[] = {
	[1] = { 4, 0 }, [3] = { 12, 0 }, [4] = { 0, 12 }, [5] = { 0, 12 }, [6] = { 0, 8 }, [13] = { 0, 8 },
	[14] = { 4, 0 }, [15] = { 0, 12 }, [17] = { 4, 0 }, [19] = { 0, 12 },
};

static u8 *blob;
static size_t blob_len;

static bool read_kernel_btf(void)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && st.st_size > (off_t)sizeof(struct btf_header))
		blob = malloc(st.st_size + 1);
	while (blob && blob_len < (size_t)st.st_size) {
		ssize_t n = read(fd, blob + blob_len, st.st_size - blob_len);
		if (n <= 0)
			break;
		blob_len += n;
	}
	close(fd);
	return blob_len > sizeof(struct btf_header);
}

u32 kernel_btf_id(u32 kind, const u8 *name, u32 len)
{
	static struct { u32 kind, len, id; char name[64]; } known[256];
	static u32 n_known;
	static bool tried, there;

	for (u32 i = 0; i < n_known; i++)
		if (known[i].kind == kind && known[i].len == len && !memcmp(known[i].name, name, len))
			return known[i].id;
	if (!tried)
		there = read_kernel_btf();
	tried = true;
	if (!there)
		return 0;

	struct btf_header h;
	memcpy(&h, blob, sizeof(h));
	const u8 *types = blob + h.hdr_len + h.type_off, *end = types + h.type_len;
	const char *strings = (const char *)blob + h.hdr_len + h.str_off;
	u32 id = 0;
	for (const u8 *at = types; at + sizeof(struct btf_type) <= end;) {
		struct btf_type t;
		memcpy(&t, at, sizeof(t));
		u32 this_kind = (t.info >> 24) & 31, vlen = t.info & 0xffff;
		id++;
		if (this_kind == kind && strlen(strings + t.name_off) == len && !memcmp(strings + t.name_off, name, len)) {
			if (n_known < 256 && len <= sizeof(known[0].name)) {
				known[n_known].kind = kind, known[n_known].len = len, known[n_known].id = id;
				memcpy(known[n_known++].name, name, len);
			}
			return id;
		}
		at += sizeof(t);
		if (this_kind < sizeof(TRAILER) / sizeof(*TRAILER))
			at += TRAILER[this_kind].fixed + TRAILER[this_kind].each * (size_t)vlen;
	}
	return 0;
}
