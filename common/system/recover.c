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

	if (fd < 0)
		return -1;
	int result = io_copy(source, from, to, fd);
	if (result == 0)
		result = io_write(fd, span_of("\n"));
	if (result == 0)
		result = fsync(fd);
	if (result == 0)
		result = fsync(m->dir);
	io_close(fd);
	if (result == 0) {
		snprintf(file, sizeof(file), "users/%s/mbox.torn", m->name);
		log_begin_error("torn message kept aside");
		log_text("file", file);
		log_number("offset", from);
		log_number("size", to - from);
		log_text("reason", why);
		log_end();
	}
	return result;
}

/*
 * Where the last message behind `known` begins: the last From_ line behind an empty line, or at `known`. -1 where there is none; -2 with
 * errno. Reads backwards.
 */
static off_t
find_last(struct window *w, off_t known)
{
	static const char from_[] = "From ";
	const off_t overlap = 8;
	off_t step = TAIL;
	struct span text;

	for (off_t end = w->size; end > known;) {
		off_t at = end - known > step ? end - step : known;
		if (window_at(w, at, (size_t)(end - at), (size_t)(end - at), &text) < 0)
			return -2;
		size_t n = (size_t)(end - at);
		for (size_t i = n >= 5 ? n - 5 + 1 : 0; i-- > 0;) {
			const char *here = text.at + i;
			if (*here != 'F' || memcmp(here, from_, 5) != 0)
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
	}
	return -1;
}

/* Bytes behind a whole message: another program's text, or blocks of a message that a power cut left unwritten? */
static int
has_nul(struct window *w, off_t at)
{
	struct span text;

	if (window_at(w, at, WINDOW, WINDOW, &text) < 0)
		return -1;
	return span_has(text, '\0');
}

/* A From_ line of which only the first bytes were written: where it begins, the end of the file where there is none, -1 with errno. */
static off_t
find_stump(struct window *w, off_t known)
{
	struct span text;
	off_t at = w->size - known > TAIL ? w->size - TAIL : known;

	if (window_at(w, at, TAIL, TAIL, &text) < 0)
		return -1;
	text = span_slice(text, text.n > 6 ? text.n - 6 : 0, text.n);
	for (size_t n = text.n < 4 ? text.n : 4; n > 0; n--) {
		const char *stump = text.at + text.n - n;
		bool begins =
		    w->size - (off_t)n == known || (text.n >= n + 2 && memcmp(stump - 2, "\n\n", 2) == 0);
		if (begins && memcmp(stump, "From ", n) == 0)
			return w->size - (off_t)n;
	}
	return w->size;
}

/*
 * The judges say where the torn part begins, the end of the file where nothing is torn, or -1 with errno (EBADMSG: this is no mbox).
 *
 * Behind `known` there is no From_ line: text of another program, or blocks that were never written.
 */
static off_t
judge_headless(struct window *w, off_t known)
{
	int nul = has_nul(w, known);

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
	int nul = whole < 0 ? -1 : has_nul(w, end);
	return nul < 0 ? -1 : nul > 0 ? end : w->size;
}

static off_t
find_torn(struct window *w, off_t known)
{
	int begins = known > 0 ? 1 : survey_is_boundary(w, 0);
	off_t at = begins < 0 ? -1 : find_stump(w, known);

	/* In what is no mbox a stump means nothing, unless it is all there is. */
	if (at != w->size && (begins != 0 || at == known))
		return at;
	at = find_last(w, known);
	if (at == -2)
		return -1;
	if (at == -1)
		return judge_headless(w, known);
	if (begins == 0)
		errno = EBADMSG;
	return begins == 0 ? -1 : judge_last(w, at);
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
