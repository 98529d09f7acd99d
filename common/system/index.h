/*
 * index: mbox.index, where each message of a mailbox is. A cache: never synced, safe to delete, rebuilt when doubtful. It is appended to in
 * place by who delivers, replaced by rename by who rebuilds, and never cut, so that a session may keep it mapped.
 */
#ifndef INDEX_H
#define INDEX_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mbox.h"

enum index_kind {
	INDEX_OURS,    /* with our entry line */
	INDEX_FOREIGN, /* another program's */
	INDEX_TORN,    /* what a crash left in the middle: hidden, cut out by the next expunge */
	INDEX_DEAD     /* expunged, and not cut out yet: hidden, too */
};

/* As in the file, in this machine's byte order. */
struct index_entry {
	uint64_t offset;    /* of the From_ line */
	uint64_t stored;    /* bytes from there to the next message */
	uint64_t wire;	    /* octets that RETR sends */
	uint32_t prefix;    /* bytes of From_ line and entry line: not shown */
	uint16_t separator; /* bytes at the end that are not shown, either */
	uint16_t kind;
	char uidl[MBOX_UIDL + 1];
};

struct index_header {
	char magic[8];
	uint64_t inode; /* of the mbox it is about */
	uint64_t clean; /* size of the mbox after the last append or expunge */
	uint64_t count;
	uint64_t wire;	   /* octets of all messages, the hidden ones, too */
	uint64_t open_end; /* the last message lacks its separator: other programs leave it out */
	uint64_t hidden;   /* bytes of hidden messages; from here on an append leaves the header as it is */
	uint64_t boot;	   /* boot_id() of who made it: a power cut leaves any part of what was not synced */
};

/*
 * Which start of the system this is: the same number until it starts again; 0, always, where it cannot be told. Asks the system once, and is
 * inherited by forks.
 */
uint64_t boot_id(void);

/* No session sees it. */
bool index_is_hidden(const struct index_entry *);

/* Entries in memory, the caller's to free. */
struct index_list {
	struct index_entry *entries;
	size_t count, size;
};

int index_list_add(struct index_list *, const struct index_entry *);
void index_list_free(struct index_list *);

/*
 * The index as a file that is open for reading and writing; its header is right for that inode, and made since the system started. False
 * where it is not.
 */
bool index_read_header(int fd, ino_t inode, struct index_header *);

/* A message that was appended at header->clean. Updates the header. 0, or -1: the index is of no more use. */
int index_append(int fd, struct index_header *, const struct index_entry *);

/* Put the header back as it was before an append that was taken back. */
int index_write_end(int fd, const struct index_header *);

/* Those of the header's entries that are `gone` are dead: durably, before this returns. 0, or -1 with errno. */
int index_bury(int fd, struct index_header *, const struct index_entry *, const bool *gone);

/* It is of no more use, for anybody who has it open. */
void index_make_void(int fd);

/* Nor for anybody who comes later, be it after a power cut. fd: -1 where it is not open. 0, or -1 with errno. */
int index_forget(int dir, int fd);

/*
 * A mapping of the entries that header counts, each checked to follow on the one before. NULL where it is doubtful, or empty.
 * Give it back with index_unmap.
 */
const struct index_entry *index_map(int fd, const struct index_header *);
void index_unmap(const struct index_entry *, size_t count);

/* A new index for the mbox of that inode and size. Returns its descriptor, or -1: there is no index then. */
int index_replace(int dir, ino_t inode, uint64_t size, const struct index_list *, struct index_header *);

#endif
