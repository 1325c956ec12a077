/* Maps of a job: created once, refilled before every run, read back after it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent.h"

#define MAP_TYPE_ARENA 33 /* enum bpf_map_type */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { MAP_DENSE = 1, MAP_HAS_INNER = 2, MAP_FROZEN = 4 };

static size_t part_size(const struct map *map)
{
	return (map->value_size + 7u) & ~7u;
}

static bool readable(const struct map *map)
{
	return (u64)map->max_entries * (map->key_size + (u64)map->value_size) <= MAX_READ_BACK;
}

bool get_map(struct cursor *c, struct map *map, struct map *inner, bool *has_inner)
{
	u32 len;

	memset(map, 0, sizeof(*map));
	map->fd = -1;
	map->type = get_u32(c);
	map->key_size = get_u32(c);
	map->value_size = get_u32(c);
	map->max_entries = get_u32(c);
	map->flags = get_u32(c);
	map->btf_key = get_u32(c);
	map->btf_value = get_u32(c);
	map->style = get_u32(c);
	u32 bits = get_u32(c);
	map->dense = bits & MAP_DENSE;
	map->frozen = bits & MAP_FROZEN;
	map->extra = get_u64(c);
	map->name = get_blob(c, &map->name_len);
	map->count = get_u32(c);
	map->contents = get_blob(c, &len);
	*has_inner = bits & MAP_HAS_INNER;
	if (*has_inner && inner) {
		bool deeper;
		if (!get_map(c, inner, NULL, &deeper) || deeper)
			return false;
	}
	return !c->bad && len == (u64)map->count * ((map->dense ? 0 : map->key_size) + (u64)map->value_size);
}

static int create_one(const struct map *map, int inner_fd, int btf_fd)
{
	union attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map.map_type = map->type;
	attr.map.key_size = map->key_size;
	attr.map.value_size = map->value_size;
	attr.map.max_entries = map->max_entries;
	attr.map.map_flags = map->flags;
	attr.map.inner_map_fd = inner_fd > 0 ? inner_fd : 0;
	if (map->name_len)
		memcpy(attr.map.map_name, map->name, map->name_len < 15 ? map->name_len : 15);
	if (map->btf_key || map->btf_value) {
		attr.map.btf_fd = btf_fd > 0 ? btf_fd : 0;
		attr.map.btf_key_type_id = map->btf_key;
		attr.map.btf_value_type_id = map->btf_value;
	}
	attr.map.map_extra = map->extra;
	return bpf(CMD_MAP_CREATE, &attr);
}

/* The verifier wants to know where an arena lies in user space: map_extra says so, or the first mapping does, as libbpf makes one. */
static int map_arena(struct map *map)
{
	map->mapped_size = map->max_entries * (size_t)sysconf(_SC_PAGESIZE);
	map->mapped = mmap((void *)(uintptr_t)map->extra, map->mapped_size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | (map->extra ? MAP_FIXED_NOREPLACE : 0), map->fd, 0);
	if (map->mapped != MAP_FAILED)
		return 0;
	map->mapped = NULL;
	return errno;
}

int create_map(struct map *map, struct map *inner, int btf_fd)
{
	int inner_fd = -1;

	if (inner) {
		inner_fd = create_one(inner, -1, btf_fd);
		if (inner_fd < 0)
			return errno;
	}
	map->fd = create_one(map, inner_fd, btf_fd);
	int error = map->fd < 0 ? errno : 0;
	if (inner_fd >= 0)
		close_fd(inner_fd);
	if (!error && map->type == MAP_TYPE_ARENA)
		error = map_arena(map);
	return error;
}

static int element(enum command command, const struct map *map, const void *key, const void *value)
{
	union attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.elem.map_fd = map->fd;
	attr.elem.key = (u64)(uintptr_t)key;
	attr.elem.value = (u64)(uintptr_t)value; /* next_key of CMD_MAP_NEXT_KEY is the same field */
	return bpf(command, &attr) ? errno : 0;
}

static const u8 *content_key(const struct map *map, u32 i, u32 *dense_key)
{
	*dense_key = i;
	return map->dense ? (const u8 *)dense_key : map->contents + i * (size_t)(map->key_size + map->value_size);
}

static const u8 *content_value(const struct map *map, u32 i)
{
	return map->dense ? map->contents + i * (size_t)map->value_size
			  : map->contents + i * (size_t)(map->key_size + map->value_size) + map->key_size;
}

static int batch(enum command command, const struct map *map, u8 *values, u32 count)
{
	static u32 *keys;
	static u32 known, out_batch;
	union attr attr;

	if (known < count) {
		keys = realloc(keys, count * sizeof(u32));
		if (!keys)
			die("out of memory for keys");
		while (known < count)
			keys[known] = known, known++;
	}
	memset(&attr, 0, sizeof(attr));
	attr.batch.map_fd = map->fd;
	attr.batch.keys = (u64)(uintptr_t)keys;
	attr.batch.values = (u64)(uintptr_t)values;
	attr.batch.count = count;
	attr.batch.out_batch = command == CMD_MAP_LOOKUP_BATCH ? (u64)(uintptr_t)&out_batch : 0;
	/* A lookup that reaches the end says ENOENT and still has all values. */
	int error = bpf(command, &attr) ? errno : 0;
	return (error == ENOENT || !error) && attr.batch.count == count ? 0 : error ? error : EIO;
}

static int make_image(struct map *map)
{
	u32 key;

	map->image = calloc(map->max_entries + 1ull, map->value_size);
	if (!map->image)
		die("out of memory for an array");
	for (u32 i = 0; i < map->count; i++) {
		memcpy(&key, content_key(map, i, &key), sizeof(key));
		if (key >= map->max_entries)
			return E2BIG; /* as the kernel's array_map_update_elem says */
		memcpy(map->image + key * (size_t)map->value_size, content_value(map, i), map->value_size);
	}
	map->n_dirty = MAX_DIRTY + 1;
	return 0;
}

static int fill_array(struct map *map)
{
	u32 key;

	if (!readable(map)) {
		for (u32 i = 0; i < map->count; i++) {
			const u8 *at = content_key(map, i, &key);
			int error = element(CMD_MAP_UPDATE, map, at, content_value(map, i));
			if (error)
				return error;
		}
		return 0;
	}
	if (!map->image) {
		int error = make_image(map);
		if (error)
			return error;
	}
	if (map->n_dirty <= MAX_DIRTY) {
		int error = 0;
		for (u32 i = 0; i < map->n_dirty && !error; i++)
			error = element(CMD_MAP_UPDATE, map, &map->dirty[i], map->image + map->dirty[i] * (size_t)map->value_size);
		return error;
	}
	if (map->style == STYLE_ARRAY && !batch(CMD_MAP_UPDATE_BATCH, map, map->image, map->max_entries))
		return 0;
	static struct buf parts;
	for (key = 0; key < map->max_entries; key++) {
		const u8 *value = map->image + key * (size_t)map->value_size;
		if (map->style == STYLE_PERCPU_ARRAY) {
			memset(reserve(&parts, part_size(map) * knobs.cpus), 0, part_size(map) * knobs.cpus);
			for (u32 cpu = 0; cpu < knobs.cpus; cpu++)
				memcpy(parts.data + cpu * part_size(map), value, map->value_size);
			value = parts.data;
		}
		int error = element(CMD_MAP_UPDATE, map, &key, value);
		if (error)
			return error;
	}
	return 0;
}

static int fill_hash(const struct map *map)
{
	static struct buf key, parts;

	reserve(&key, map->key_size + 1);
	/* Bounded: a program of the last run may still hold elements that cannot go. */
	for (u32 i = 0; i <= map->max_entries && !element(CMD_MAP_NEXT_KEY, map, NULL, key.data); i++) {
		if (element(CMD_MAP_DELETE, map, key.data, NULL))
			break;
	}
	for (u32 i = 0; i < map->count; i++) {
		u32 dense_key;
		const u8 *value = content_value(map, i);
		if (map->style == STYLE_PERCPU_HASH) {
			memset(reserve(&parts, part_size(map) * knobs.cpus), 0, part_size(map) * knobs.cpus);
			for (u32 cpu = 0; cpu < knobs.cpus; cpu++)
				memcpy(parts.data + cpu * part_size(map), value, map->value_size);
			value = parts.data;
		}
		int error = element(CMD_MAP_UPDATE, map, content_key(map, i, &dense_key), value);
		if (error)
			return error;
	}
	return 0;
}

static int fill_queue(const struct map *map)
{
	static struct buf value;

	reserve(&value, map->value_size + 1);
	for (u32 i = 0; i <= map->max_entries && !element(CMD_MAP_POP, map, NULL, value.data); i++)
		;
	for (u32 i = 0; i < map->count; i++) {
		int error = element(CMD_MAP_UPDATE, map, NULL, content_value(map, i));
		if (error)
			return error;
	}
	return 0;
}

static int fill_with_maps(const struct map *map, const struct map *maps, u32 n_maps)
{
	for (u32 i = 0; i < map->count; i++) {
		u32 index, dense_key;
		memcpy(&index, content_value(map, i), sizeof(index));
		if (index >= n_maps || maps[index].fd < 0)
			return EBADF;
		int error = element(CMD_MAP_UPDATE, map, content_key(map, i, &dense_key), &maps[index].fd);
		if (error)
			return error;
	}
	return 0;
}

int fill_map(struct map *map, const struct map *maps, u32 n_maps)
{
	int error;

	switch (map->style) {
	case STYLE_ARRAY:
	case STYLE_PERCPU_ARRAY:
		error = fill_array(map);
		if (!error)
			map->n_dirty = 0;
		return error;
	case STYLE_HASH:
	case STYLE_PERCPU_HASH:
		return fill_hash(map);
	case STYLE_QUEUE:
		return fill_queue(map);
	case STYLE_MAPS:
		return map->value_size == 4 ? fill_with_maps(map, maps, n_maps) : EINVAL;
	}
	return 0;
}

int freeze_map(const struct map *map)
{
	union attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.elem.map_fd = map->fd;
	return bpf(CMD_MAP_FREEZE, &attr) ? errno : 0;
}

/* Most runs change few elements, so that a refill of those is much cheaper than of all. */
static void note_changes(struct map *map, const u8 *now)
{
	map->n_dirty = 0;
	/* A value with locks, timers or pointers in it reads as other than it is, and a per-CPU array has more than was read. */
	if (map->btf_value || map->style != STYLE_ARRAY)
		map->n_dirty = MAX_DIRTY + 1;
	for (u32 key = 0; key < map->max_entries && map->n_dirty <= MAX_DIRTY; key++) {
		size_t at = key * (size_t)map->value_size;
		if (!memcmp(map->image + at, now + at, map->value_size))
			continue;
		if (map->n_dirty < MAX_DIRTY)
			map->dirty[map->n_dirty] = key;
		map->n_dirty++;
	}
}

static void put_array(struct buf *out, struct map *map)
{
	size_t size = (size_t)map->max_entries * map->value_size, start = out->len;
	static struct buf parts;

	put_u32(out, 1);
	put_u32(out, map->value_size);
	put_u32(out, map->max_entries);
	memset(reserve(out, size), 0, size);
	if (map->style == STYLE_PERCPU_ARRAY || batch(CMD_MAP_LOOKUP_BATCH, map, out->data + out->len, map->max_entries)) {
		reserve(&parts, part_size(map) * knobs.cpus);
		for (u32 key = 0; key < map->max_entries; key++) {
			if (element(CMD_MAP_LOOKUP, map, &key, parts.data)) {
				out->len = start;
				put_u32(out, 0);
				map->n_dirty = MAX_DIRTY + 1;
				return;
			}
			memcpy(out->data + out->len + key * (size_t)map->value_size, parts.data, map->value_size);
		}
	}
	if (map->image)
		note_changes(map, out->data + out->len);
	out->len += size;
}

static void put_pairs(struct buf *out, const struct map *map, bool pop)
{
	static struct buf key, value;
	u32 key_size = pop ? 0 : map->key_size, count = 0;
	bool more = true;

	reserve(&key, key_size + 1);
	reserve(&value, part_size(map) * knobs.cpus + 8);
	put_u32(out, 2);
	put_u32(out, key_size);
	put_u32(out, map->value_size);
	size_t count_at = out->len;
	put_u32(out, 0);
	for (bool first = true; more && count <= map->max_entries; first = false) {
		if (pop) {
			more = !element(CMD_MAP_POP, map, NULL, value.data);
		} else {
			more = !element(CMD_MAP_NEXT_KEY, map, first ? NULL : key.data, key.data);
			if (more && element(CMD_MAP_LOOKUP, map, key.data, value.data))
				continue;
		}
		if (more) {
			put(out, key.data, key_size);
			put(out, value.data, map->value_size);
			count++;
		}
	}
	set_u32(out, count_at, count);
}

void put_map(struct buf *out, struct map *map)
{
	if (!readable(map) || map->style == STYLE_OPAQUE || map->style == STYLE_MAPS)
		put_u32(out, 0);
	else if (map->style == STYLE_ARRAY || map->style == STYLE_PERCPU_ARRAY)
		put_array(out, map);
	else
		put_pairs(out, map, map->style == STYLE_QUEUE);
}

void close_map(struct map *map)
{
	close_fd(map->fd);
	free(map->image);
	if (map->mapped)
		munmap(map->mapped, map->mapped_size);
	map->mapped = NULL;
	map->fd = -1;
	map->image = NULL;
}
