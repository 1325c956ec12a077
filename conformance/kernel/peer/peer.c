/* The peer: libbpf itself opens and loads an object, and what it made of it is told line by line.  Built once per generation, against
 * that generation's own headers and static libraries.  answers.py reads what this writes.
 *
 * Standard input is the object (or, for `names`, section names with a NUL after each).  Every argument of a line is a number or, as names
 * may be any bytes, hexadecimal after an x.  A last line `end` tells a whole answer from one cut short by a death. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#ifndef LIBBPF_MAJOR_VERSION /* came with 0.6 */
#define OLD_NAMES
#define bpf_program__type bpf_program__get_type
#define bpf_program__expected_attach_type bpf_program__get_expected_attach_type
#define bpf_map__pin_path bpf_map__get_pin_path
#endif

#define MAX_INPUT (8u << 20)

static struct bpf_object *object;

static void put_digits(const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++) {
		putchar(digits[bytes[i] >> 4]);
		putchar(digits[bytes[i] & 15]);
	}
}

static void put_hex(const void *data, size_t len)
{
	fputs(" x", stdout);
	put_digits(data, len);
}

static void put_text(const char *text)
{
	put_hex(text ? text : "", text ? strlen(text) : 0);
}

static int warn(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char text[512];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), format, arguments);
	fputs("warning", stdout);
	put_text(text);
	putchar('\n');
	return 0;
}

/* What libbpf asks of the kernel, as it asks it: its probes too, which the reader tells from programs and maps by their names. */

/* Which map a descriptor is, by the number of its BPF_MAP_CREATE; libbpf moves descriptors to places it kept for them (since 1.4). */
#define MAX_DESCRIPTORS 1024

static struct {
	int fd, create;
} descriptors[MAX_DESCRIPTORS];
static int n_descriptors, n_creates;

static void note_descriptor(int fd, int create)
{
	int i;

	for (i = 0; i < n_descriptors && descriptors[i].fd != fd; i++)
		;
	if (i == MAX_DESCRIPTORS)
		abort();
	n_descriptors += i == n_descriptors;
	descriptors[i].fd = fd;
	descriptors[i].create = create;
}

static void move_descriptor(int from, int to)
{
	for (int i = 0; i < n_descriptors; i++)
		if (descriptors[i].fd == from) {
			note_descriptor(to, descriptors[i].create);
			return;
		}
}

static void put_descriptors(void)
{
	for (int i = 0; i < n_descriptors; i++)
		printf(" %d:%d", descriptors[i].fd, descriptors[i].create);
}

static void tell_map(const union bpf_attr *a, long result, int error)
{
	fputs("create", stdout);
	put_hex(a->map_name, strnlen(a->map_name, sizeof(a->map_name)));
	printf(" %u %u %u %u %u %u %u %d\n", a->map_type, a->key_size, a->value_size, a->max_entries, a->map_flags,
	       a->btf_key_type_id, a->btf_value_type_id, result < 0 ? error : 0);
	if (result >= 0)
		note_descriptor(result, n_creates);
	n_creates++;
}

/* Of each record what struct bpf_func_info has: an object may say that its records are longer. */
static void put_functions(const union bpf_attr *a)
{
	const char *record = (const void *)(unsigned long)a->func_info;

	fputs(" x", stdout);
	for (unsigned int i = 0; record && i < a->func_info_cnt; i++, record += a->func_info_rec_size)
		put_digits(record, sizeof(struct bpf_func_info));
}

static void tell_program(const union bpf_attr *a, long result, int error)
{
	fputs("load", stdout);
	put_hex(a->prog_name, strnlen(a->prog_name, sizeof(a->prog_name)));
	printf(" %u %u %u %u %d", a->prog_type, a->expected_attach_type, a->prog_flags, a->kern_version, result < 0 ? error : 0);
	put_text((const char *)(unsigned long)a->license);
	put_hex((const void *)(unsigned long)a->insns, (size_t)a->insn_cnt * sizeof(struct bpf_insn));
	put_functions(a);
	printf(" %u", a->line_info ? a->line_info_cnt : 0);
	put_descriptors();
	putchar('\n');
}

long __real_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	long a[6];
	va_list arguments;

	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	long result = __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	int error = errno;
	if (number == SYS_bpf && object) {
		union bpf_attr attr = { 0 };
		size_t size = (size_t)a[2] < sizeof(attr) ? (size_t)a[2] : sizeof(attr);

		memcpy(&attr, (const void *)a[1], size);
		if (a[0] == BPF_MAP_CREATE)
			tell_map(&attr, result, error);
		if (a[0] == BPF_PROG_LOAD)
			tell_program(&attr, result, error);
	}
	if (number == SYS_dup3 && object && result >= 0)
		move_descriptor(a[0], a[1]);
	errno = error;
	return result;
}

static void tell_opened(void)
{
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_program(program, object) {
		fputs("program", stdout);
		put_text(bpf_program__name(program));
		put_text(bpf_program__section_name(program));
		printf(" %d %d %d\n", bpf_program__type(program), bpf_program__expected_attach_type(program), bpf_program__autoload(program));
	}
	bpf_object__for_each_map(map, object) {
		fputs("map", stdout);
		put_text(bpf_map__name(map));
		printf(" %u %u %u %u %u %u %u %d\n", bpf_map__type(map), bpf_map__key_size(map), bpf_map__value_size(map),
		       bpf_map__max_entries(map), bpf_map__map_flags(map), bpf_map__btf_key_type_id(map), bpf_map__btf_value_type_id(map),
		       bpf_map__pin_path(map) != NULL);
		/* A pinned map would outlive us, and be found by the next object that has one of the name. */
		bpf_map__set_pin_path(map, NULL);
	}
}

static void open_and_load(const void *data, size_t len)
{
	DECLARE_LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "x");

	struct bpf_object *opened = bpf_object__open_mem(data, len, &options);
	long error = libbpf_get_error(opened);
	printf("open %ld\n", error);
	if (error)
		return;
	object = opened;
	tell_opened();
	fflush(stdout);
	printf("loaded %d\n", bpf_object__load(object));
	object = NULL;
	bpf_object__close(opened);
}

static void tell_names(const char *names, size_t len)
{
	for (const char *name = names; name < names + len; name += strlen(name) + 1) {
		enum bpf_prog_type type = 0;
		enum bpf_attach_type attach = 0;
		int error = libbpf_prog_type_by_name(name, &type, &attach);

		fputs("name", stdout);
		put_text(name);
		printf(" %d %d %d\n", error, error ? 0 : (int)type, error ? 0 : (int)attach);
	}
}

int main(int argc, char **argv)
{
	static char input[MAX_INPUT + 1]; /* names end in a NUL even if the last one's is missing */
	size_t len = fread(input, 1, MAX_INPUT, stdin);

	if (argc != 2)
		return 2;
	libbpf_set_print(warn);
	if (!strcmp(argv[1], "object"))
		open_and_load(input, len);
	else if (!strcmp(argv[1], "names"))
		tell_names(input, len);
	else
		return 2;
	puts("end");
	return fflush(stdout) ? 1 : 0;
}
