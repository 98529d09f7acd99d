/*
 * Nothing is ever cut back to a length that some file remembers: after a power cut an old one may be back, and behind it lies mail that
 * was acknowledged. What goes is only what shows by itself that it is a part.
 */
#include "recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "log.h"
#include "scan.h"
#include "survey.h"

/* Bytes at the end that are read in one go: they may well hold all of the last message. */
enum { TAIL = 8 * 1024 };

int
recover_keep(const struct maildrop *m, int source, off_t from, off_t to, const char *why)
{
	char file[128];
	int fd = io_open(m->dir, "mbox.torn", O_WRONLY | O_CREAT | O_APPEND);
	bool kept = fd >= 0 && io_copy(source, from, to, fd) == 0 && io_write(fd, span_of("\n")) == 0 &&
		    fsync(fd) == 0 && fsync(m->dir) == 0;

	io_close(fd);
	if (!kept)
		return -1;
	snprintf(file, sizeof(file), "users/%s/mbox.torn", m->name);
	log_begin_error("torn message kept aside");
	log_text("file", file);
	log_number("offset", from);
	log_number("size", to - from);
	log_text("reason", why);
	log_end();
	return 0;
}

/*
 * Where the last message behind `known` begins: the last From_ line behind an empty line, or at `known`; of one that the end of the file cut
 * `least` bytes do. -1 where there is none; -2 with errno. Reads backwards.
 */
static off_t
find_last(struct window *w, off_t known, size_t least)
{
	static const char from_[] = "From ";
	const off_t overlap = 8;
	off_t step = TAIL;
	struct span text;

	for (off_t end = w->size; end > known;) {
		off_t at = end - known > step ? end - step : known;
		const size_t n = (size_t)(end - at);
		if (window_at(w, at, n, n, &text) < 0)
			return -2;
		for (size_t i = n >= least ? n - least + 1 : 0; i-- > 0;) {
			const char *here = text.at + i;
			if (*here != 'F' || memcmp(here, from_, n - i < 5 ? n - i : 5) != 0)
				continue;
			bool empty_line =
			    i >= 2 && here[-1] == '\n' &&
			    (here[-2] == '\n' || (i >= 3 && here[-2] == '\r' && here[-3] == '\n'));
			if (empty_line || (i == 0 && at == known))
				return at + (off_t)i;
		}
		if (at == known)
			break;
		end = at + overlap;
		step = WINDOW;
		least = 5;
	}
	return -1;
}

/* Of what stands there the beginning tells another program's text from blocks of a message that a power cut left unwritten. */
static int
begins_with_hole(struct window *w, off_t at)
{
	return window_has_nul(w, at, w->size - at > WINDOW ? at + WINDOW : w->size);
}

/*
 * The judges say where the torn part begins, the end of the file where nothing is torn, or -1 with errno (EBADMSG: this is no mbox).
 *
 * Behind `known` there is no From_ line.
 */
static off_t
judge_headless(struct window *w, off_t known)
{
	int nul = begins_with_hole(w, known);

	if (nul != 0)
		return nul < 0 ? -1 : known;
	errno = EBADMSG;
	return known > 0 ? w->size : -1;
}

/* The last message begins at `at`. */
static off_t
judge_last(struct window *w, off_t at)
{
	struct survey_prefix prefix;
	struct scan scan;

	if (survey_prefix(w, at, &prefix) < 0)
		return -1;
	if (!prefix.ours)
		return !prefix.dead && (prefix.begun || prefix.nul) ? at : w->size;
	off_t end = at + (off_t)prefix.entry.stored;
	int whole = survey_is_certified(w, at, &prefix);
	if (whole == 0) {
		scan_init(&scan, SCAN_HEADER);
		if (survey_read_through(w, at + (off_t)prefix.length, &scan) < 0)
			return -1;
		/* A crash makes no message longer: another program did. */
		return (scan.read_mark || end < w->size) && !scan.nul ? w->size : at;
	}
	int nul = whole < 0 ? -1 : begins_with_hole(w, end);
	return nul < 0 ? -1 : nul > 0 ? end : w->size;
}

static off_t
find_torn(struct window *w, off_t known)
{
	int begins = known > 0 ? 1 : survey_is_boundary(w, 0);

	if (begins < 0)
		return -1;
	/* In what is no mbox the first bytes of a From_ line mean nothing, unless they are all there is. */
	off_t at = find_last(w, known, begins > 0 || w->size - known < 5 ? 1 : 5);
	if (at < 0)
		return at == -2 ? -1 : judge_headless(w, known);
	if (begins > 0 || at == known)
		return judge_last(w, at);
	errno = EBADMSG;
	return -1;
}

enum maildrop_status
recover_open_end(struct maildrop *m)
{
	char last[3] = "\n\n";
	size_t n = m->lock.size < 3 ? (size_t)m->lock.size : 3;

	m->open_end = 0;
	if (n == 0)
		return MAILDROP_OK;
	if (io_read_at(m->mbox, last + 3 - n, n, m->lock.size - (off_t)n) != (ssize_t)n)
		return maildrop_failed(m, "mailbox not read");
	if (last[2] != '\n')
		m->open_end = 2;
	else if (last[1] != '\n' && !(last[1] == '\r' && last[0] == '\n'))
		m->open_end = 1;
	return MAILDROP_OK;
}

enum maildrop_status
recover_tail(struct maildrop *m, off_t known)
{
	struct window w;
	off_t torn = m->lock.size;

	if (torn > known) {
		window_init(&w, m->mbox, m->lock.size);
		torn = find_torn(&w, known);
		window_free(&w);
	}
	if (torn < 0)
		return maildrop_failed(m, "mailbox not read");
	if (torn < m->lock.size) {
		if (recover_keep(m, m->mbox, torn, m->lock.size, "cut by a crash") < 0 ||
		    ftruncate(m->mbox, torn) < 0)
			return maildrop_failed(m, "torn message not moved");
		m->lock.size = torn;
	}
	return recover_open_end(m);
}
