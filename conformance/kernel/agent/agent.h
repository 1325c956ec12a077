/* The guest's init: reads jobs from a virtio-serial port, asks the kernel, answers.  The wire format is conformance/kernel/protocol. */
#pragma once
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>

#include "bpf.h"

#define PROTOCOL_VERSION 1u
#define MAX_FRAME (64u << 20)
#define MAX_LOG (16u << 20)
#define MAX_MAPS 64u
#define MAX_DIRTY 8u
#define MAX_ATTEMPTS 64u
#define ALL_CAPABILITIES (~0ull)
#define MAX_READ_BACK (8u << 20)

enum kind {
	KIND_HELLO = 1, KIND_PING = 2, KIND_JOB = 3, KIND_BENCH = 4, KIND_PANIC = 5, KIND_HANG = 6, KIND_ATTACH = 7, KIND_CHILD = 8, KIND_ERROR = 255
};

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

/* frames.c: numbers in frames are little-endian, whatever the guest is; instructions, maps and packets come in the guest's order */
void put(struct buf *b, const void *data, size_t len);
void put_u32(struct buf *b, u32 value);
void set_u32(struct buf *b, size_t at, u32 value); /* over what was put there */
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
enum btf_kind { BTF_STRUCT = 4, BTF_TYPEDEF = 8, BTF_FUNC = 12, BTF_VAR = 14 };
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
	u64 extra;
	int fd;
	/* Of an arena. */
	void *mapped;
	size_t mapped_size;
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
	/* By index, where an instruction names a map so (BPF_PSEUDO_MAP_IDX); NULL where none does. */
	const s32 *fds;
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
struct job {
	struct program program;
	struct map maps[MAX_MAPS], inner[MAX_MAPS];
	bool has_inner[MAX_MAPS];
	struct attempt attempts[MAX_ATTEMPTS];
	u32 n_maps, n_attempts, n_inputs;
	struct cursor inputs;
	s32 fds[MAX_MAPS];
	const u8 *code; /* as it came, map indexes and all */
	/* A name the kernel's BTF does not have, and so the program cannot be put to this kernel at all. */
	const u8 *missing;
	u32 missing_len;
};
bool get_job(struct cursor *c, struct job *job);
int prepare(struct job *job, u64 capabilities, s32 *at);
void finish(struct job *job);
void do_job(struct cursor *c, struct buf *out);
void do_bench(struct cursor *c, struct buf *out);

/* places.c: where a program can be attached.  Every step returns 0 or an errno. */
enum place { PLACE_TRACEPOINT = 1, PLACE_KPROBE, PLACE_KRETPROBE, PLACE_RAW_TRACEPOINT, PLACE_SOCKET, PLACE_CGROUP };
enum way { WAY_OWN = 0, WAY_IOCTL = 1, WAY_LINK = 2 };
struct site {
	u32 place, way;
	char name[128];
	u64 id;			   /* tracepoint: of its event; kprobe: of its kind of perf event */
	char format[8192];	   /* of a tracepoint, as tracefs has it */
	int event, sender, holder; /* perf event; socketpair's other end; what holds the program: link, raw tracepoint, socket, cgroup */
	bool attached;
};
int find_site(struct site *site);
int open_site(struct site *site);
int attach_site(struct site *site, int program);
int enable_site(struct site *site);
int detach_site(struct site *site, int program);

#define CHILD_NAME "child" /* init's own is its path */

/* children.c */
int wait_for(int child, u64 nanoseconds, int *status);
void bury(int child);
void do_child(struct cursor *c, struct buf *out);

/* triggers.c: what makes an attached program run; bounded in time, whatever the program does to us. */
enum trigger { TRIGGER_NONE = 0, TRIGGER_EXECVE, TRIGGER_GETPID, TRIGGER_OPENAT, TRIGGER_PACKET };
int pull(u32 trigger, u32 times, const struct site *site, const u8 *packet, u32 packet_len, u64 *count);

/* trace.c */
int forget_trace(void);
int read_trace(struct buf *to, bool *truncated);

/* attach.c */
void do_attach(struct cursor *c, struct buf *out);
