/* The guest's init: reads jobs from a virtio-serial port, asks the kernel, answers.  The wire format is conformance/kernel/protocol. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "bpf.h"

#define PROTOCOL_VERSION 1u
#define MAX_FRAME (64u << 20)
#define MAX_LOG (16u << 20)
#define MAX_MAPS 64u
#define MAX_DIRTY 8u
#define ALL_CAPABILITIES (~0ull)
#define MAX_READ_BACK (8u << 20)

enum kind { KIND_HELLO = 1, KIND_PING = 2, KIND_JOB = 3, KIND_BENCH = 4, KIND_PANIC = 5, KIND_HANG = 6, KIND_ERROR = 255 };

/* A growing byte buffer. */
struct buf {
	u8 *data;
	size_t len, cap;
};

/* A reader over bytes; `bad` is set for good by the first read past the end, and reads then give zeros. */
struct cursor {
	const u8 *at, *end;
	bool bad;
};

/* frames.c */
void put(struct buf *b, const void *data, size_t len);
void put_u32(struct buf *b, u32 value);
void put_u64(struct buf *b, u64 value);
void put_blob(struct buf *b, const void *data, size_t len);
u8 *reserve(struct buf *b, size_t len);
u32 get_u32(struct cursor *c);
u64 get_u64(struct cursor *c);
const u8 *get(struct cursor *c, size_t len);
const u8 *get_blob(struct cursor *c, u32 *len);
bool read_frame(int port, u32 *kind, u64 *id, struct cursor *payload);
bool frame_is_near(int port);
size_t begin_frame(struct buf *out, u32 kind, u64 id);
void end_frame(struct buf *out, size_t start);
void flush(int port, struct buf *out);
void die(const char *why) __attribute__((noreturn));

/* sys.c: the kernel's interfaces besides bpf(2) */
struct knobs {
	bool jit, harden, unprivileged, sysrq;
	u32 cpus; /* possible ones: a per-cpu value has that many parts */
};
extern struct knobs knobs;
long bpf(enum command command, union attr *attr);
u64 now(void);
bool write_file(const char *path, const char *text);
long read_file(const char *path, char *text, size_t size);
void set_up_system(void);
void set_jit(u32 mode);
bool set_capabilities(u64 effective);
void panic(void) __attribute__((noreturn));
void close_fd(int fd);

/* btf.c: ids in the kernel's own BTF, 0 when it has no such type */
enum btf_kind { BTF_STRUCT = 4, BTF_TYPEDEF = 8, BTF_FUNC = 12 };
u32 kernel_btf_id(u32 kind, const u8 *name, u32 len);

/* dmesg.c */
void open_dmesg(void);
u32 put_splats(struct buf *out);

/* maps.c */
enum style { STYLE_OPAQUE, STYLE_ARRAY, STYLE_PERCPU_ARRAY, STYLE_HASH, STYLE_PERCPU_HASH, STYLE_QUEUE, STYLE_MAPS };
struct map {
	u32 type, key_size, value_size, max_entries, flags, btf_key, btf_value, style, count;
	bool dense, frozen;
	const u8 *name, *contents;
	u32 name_len;
	int fd;
	/* Of an array: its contents before a run, and the keys the last run changed (n_dirty > MAX_DIRTY: any). */
	u8 *image;
	u32 n_dirty, dirty[MAX_DIRTY];
};
bool get_map(struct cursor *c, struct map *map, struct map *inner, bool *has_inner);
int create_map(struct map *map, struct map *inner, int btf_fd);
int fill_map(struct map *map, const struct map *maps, u32 n_maps);
int freeze_map(const struct map *map);
void put_map(struct buf *out, struct map *map);
void close_map(struct map *map);

/* loads.c */
enum shape { SHAPE_PACKET, SHAPE_CONTEXT, SHAPE_RAW, SHAPE_SYSCALL };
struct program {
	u32 type, attach_type, flags, attach_btf_id, n_insns, btf_size, n_func_info, shape;
	struct insn *insns;
	const u8 *btf, *func_info;
	char license[128];
	int btf_fd;
};
struct attempt {
	u32 jit, log_level, extra_flags, bits;
	u64 capabilities;
};
enum { ATTEMPT_RUN = 1, ATTEMPT_TRANSLATED = 2 };
struct load {
	int fd, error;
	const char *log;
	u32 log_len;
	bool truncated;
	u64 nanoseconds;
};
bool tells_log_size(void);
void load(const struct program *program, const struct attempt *attempt, struct load *load);
void put_loaded(struct buf *out, const struct load *load, bool translated);
void put_run(struct buf *out, int fd, u32 shape, const u8 *packet, u32 packet_len, const u8 *context, u32 context_len);

/* jobs.c */
void do_job(struct cursor *c, struct buf *out);
void do_bench(struct cursor *c, struct buf *out);
