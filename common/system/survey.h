/*
 * survey: what messages stand in a mailbox. Jumps from entry to entry of ours, reads through what is not ours. The mailbox is locked.
 */
#ifndef SURVEY_H
#define SURVEY_H

#include "index.h"

/* A piece of the file in memory. */
struct window {
	int fd;
	off_t size; /* of the file */
	off_t base;
	size_t len, room;
	char *data;
};

/* Has no memory before it is read into. */
void window_init(struct window *, int fd, off_t size);
void window_free(struct window *);

/*
 * The bytes from `at` on: `least` of them, or up to the end of the file, and what else is in memory behind them. `want` is how many to read
 * where some must be read. -1 with errno.
 */
enum { WINDOW = 256 * 1024 };
int window_at(struct window *, off_t at, size_t least, size_t want, struct span *);

/* The bytes at..end (at < end <= size), as many as are in memory; and of all of them, their Adler-32, or whether one is NUL. -1 with errno. */
int window_some(struct window *, off_t at, off_t end, struct span *);
int window_sum(struct window *, off_t at, off_t end, uint32_t *sum);
int window_has_nul(struct window *, off_t at, off_t end);

/* The line at `at`, with its end, or a long part of it, not cut between CR and LF; nothing behind `end`. -1 with errno. */
int window_line(struct window *, off_t at, off_t end, struct span *);

/* Read anew what stands at `at`, `want` bytes at the most: with where they end the file ends, as far as is known. -1 with errno. */
int window_read(struct window *, off_t at, size_t want);

/* The lines before the message itself. */
struct survey_prefix {
	bool from;  /* there is a From_ line, with its end */
	bool ours;  /* and our entry line behind it */
	bool dead;  /* it is marked as expunged */
	bool begun; /* the file ends in an entry line of ours, or in a From_ line */
	bool nul;   /* in one of the two lines: blocks of them were never written */
	uint32_t length;
	struct mbox_entry entry;
};

/* Look at what stands at an offset. -1 with errno. */
int survey_prefix(struct window *, off_t at, struct survey_prefix *);

/* Is this the end of a message: behind an empty line, or at the start, a From_ line or the end of the file? -1 with errno. */
int survey_is_boundary(struct window *, off_t at);

/* Is the message as long as its entry line says, and its sum right? Then it is whole, whatever stands behind it. -1 with errno. */
int survey_is_certified(struct window *, off_t at, const struct survey_prefix *);

/* Through a message from its first line, or from its header, as the scan was begun, to where the next one begins. -1 with errno. */
struct scan;
int survey_read_through(struct window *, off_t at, struct scan *);

/*
 * Add the messages from offset `from` (where one begins) to the end of the file. 0, or -1 with errno; EBADMSG: no message begins
 * there.
 */
int survey(int mbox, off_t from, off_t size, struct index_list *);

/* UIDLs that occur twice get an ordinal, in the order of the file. 0, or -1 with ENOMEM. */
int survey_tell_twins_apart(struct index_list *);

/* Is it still the message that the entry means which stands there, as long as it was? 1, 0, or -1 with errno; true, where it can be read. */
int survey_still_there(struct window *, const struct index_entry *);
bool survey_is_there(int mbox, off_t size, const struct index_entry *);

#endif
