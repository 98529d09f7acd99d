#include "index.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "io.h"

/* The digit is the version; the other byte order reads another inode, and rebuilds. */
static const char magic[8] = "LBINDEX2", name[] = "mbox.index", fresh[] = "mbox.index.new";

uint64_t
boot_id(void)
{
	static uint64_t id;
	static bool known;
	char uuid[64]; /* of Linux */
	uint8_t sum[SHA256_SIZE];

	if (known)
		return id;
	known = true;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = io_read_at(fd, uuid, sizeof(uuid), 0);
	close(fd);
	if (n <= 0)
		return 0;
	sha256(uuid, (size_t)n, sum);
	memcpy(&id, sum, sizeof(id));
	return id;
}

bool
index_is_hidden(const struct index_entry *entry)
{
	return entry->kind == INDEX_TORN || entry->kind == INDEX_DEAD;
}

int
index_list_add(struct index_list *list, const struct index_entry *entry)
{
	if (list->count == list->size) {
		size_t size = list->size == 0 ? 64 : list->size * 2;
		struct index_entry *entries = realloc(list->entries, size * sizeof(*entries));
		if (entries == NULL)
			return -1;
		list->entries = entries;
		list->size = size;
	}
	list->entries[list->count++] = *entry;
	return 0;
}

void
index_list_free(struct index_list *list)
{
	free(list->entries);
	*list = (struct index_list){ NULL, 0, 0 };
}

bool
index_read_header(int fd, ino_t inode, struct index_header *header)
{
	return io_read_at(fd, header, sizeof(*header), 0) == sizeof(*header) &&
	       memcmp(header->magic, magic, sizeof(magic)) == 0 && header->inode == inode &&
	       header->boot == boot_id() && header->count < SIZE_MAX / sizeof(struct index_entry) / 2 &&
	       header->hidden <= header->clean;
}

static int
write_header(int fd, const struct index_header *header)
{
	return io_write_at(fd, (struct span){ (const char *)header, sizeof(*header) }, 0);
}

/*
 * What an append changes. The header may be an old one: an expunge that cuts nothing out leaves the size as it was. And what was made void
 * stays so.
 */
int
index_write_end(int fd, const struct index_header *header)
{
	const size_t from = offsetof(struct index_header, clean), to = offsetof(struct index_header, hidden);

	return io_write_at(fd, (struct span){ (const char *)header + from, to - from }, (off_t)from);
}

void
index_make_void(int fd)
{
	static const struct index_header none = { .inode = 0 };

	(void)write_header(fd, &none);
}

int
index_forget(int dir, int fd)
{
	if (fd >= 0)
		index_make_void(fd);
	return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -1 : fsync(dir);
}

int
index_append(int fd, struct index_header *header, const struct index_entry *entry)
{
	off_t at = (off_t)(sizeof(*header) + header->count * sizeof(*entry));

	if (io_write_at(fd, (struct span){ (const char *)entry, sizeof(*entry) }, at) < 0)
		return -1;
	header->count++;
	header->clean += entry->stored;
	header->wire += entry->wire;
	return index_write_end(fd, header);
}

static size_t
map_length(size_t count)
{
	return sizeof(struct index_header) + count * sizeof(struct index_entry);
}

/* Follows on what was counted so far, and is counted. */
static bool
follows(const struct index_entry *e, const struct index_header *header, struct index_header *so_far)
{
	if (e->offset != so_far->clean || e->stored < e->prefix + (uint64_t)e->separator ||
	    e->stored > header->clean - so_far->clean || memchr(e->uidl, '\0', sizeof(e->uidl)) == NULL)
		return false;
	so_far->clean += e->stored;
	so_far->wire += e->wire;
	so_far->hidden += index_is_hidden(e) ? e->stored : 0;
	return true;
}

/*
 * Anything may stand there: each message must begin where the one before ends, and the last end where the file did. Read in pieces: a mapping
 * would have each of its pages faulted in, for a login that may not want one of them.
 */
static bool
is_chain(int fd, const struct index_header *header)
{
	struct index_entry piece[1024];
	struct index_header so_far = { .clean = 0 };

	for (size_t i = 0, n; i < header->count; i += n) {
		n = sizeof(piece) / sizeof(piece[0]);
		if (n > header->count - i)
			n = header->count - i;
		if (io_read_at(fd, piece, n * sizeof(piece[0]), (off_t)map_length(i)) !=
		    (ssize_t)(n * sizeof(piece[0])))
			return false;
		for (size_t k = 0; k < n; k++)
			if (!follows(&piece[k], header, &so_far))
				return false;
	}
	return so_far.clean == header->clean && so_far.wire == header->wire &&
	       so_far.hidden == header->hidden;
}

const struct index_entry *
index_map(int fd, const struct index_header *header)
{
	if (header->count == 0 || !is_chain(fd, header))
		return NULL;
	char *map = mmap(NULL, map_length(header->count), PROT_READ, MAP_SHARED, fd, 0);
	return map == MAP_FAILED ? NULL : (const void *)(map + sizeof(*header));
}

void
index_unmap(const struct index_entry *entries, size_t count)
{
	if (entries != NULL)
		munmap((void *)((uintptr_t)entries - sizeof(struct index_header)), map_length(count));
}

int
index_bury(int fd, struct index_header *header, const struct index_entry *entries, const bool *gone)
{
	static const uint16_t kind = INDEX_DEAD;

	for (size_t i = 0; i < header->count; i++) {
		if (!gone[i])
			continue;
		off_t at = (off_t)(map_length(i) + offsetof(struct index_entry, kind));
		if (io_write_at(fd, (struct span){ (const char *)&kind, sizeof(kind) }, at) < 0)
			return -1;
		header->hidden += entries[i].stored;
	}
	return write_header(fd, header) < 0 ? -1 : fdatasync(fd);
}

static int
write_all(int fd, const struct index_header *header, const struct index_list *list)
{
	struct span entries = { (const char *)list->entries, list->count * sizeof(*list->entries) };

	if (io_write_at(fd, entries, sizeof(*header)) < 0)
		return -1;
	return write_header(fd, header);
}

int
index_replace(int dir, ino_t inode, uint64_t size, const struct index_list *list, struct index_header *header)
{
	*header =
	    (struct index_header){ .inode = inode, .clean = size, .count = list->count, .boot = boot_id() };
	memcpy(header->magic, magic, sizeof(magic));
	for (size_t i = 0; i < list->count; i++) {
		const struct index_entry *e = &list->entries[i];
		header->wire += e->wire;
		header->hidden += index_is_hidden(e) ? e->stored : 0;
	}
	if (list->count > 0 && list->entries[list->count - 1].separator == 0)
		header->open_end = 1;
	unlinkat(dir, fresh, 0);
	int fd = openat(dir, fresh, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && write_all(fd, header, list) == 0 && renameat(dir, fresh, dir, name) == 0)
		return fd;
	/* No index is better than an old one. */
	io_close(fd);
	unlinkat(dir, fresh, 0);
	unlinkat(dir, name, 0);
	return -1;
}
