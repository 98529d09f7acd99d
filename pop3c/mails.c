#include "mails.h"

#include <stdio.h>
#include <stdlib.h>

#include "show.h"

enum {
	LINE = 32, /* octets of a LIST line, for the bound of the answer */
	POOL = 128 * 1024 * 1024
};

void
mails_init(struct mails *m)
{
	*m = (struct mails){ .at = NULL };
	buf_init(&m->pool, POOL);
	buf_add_char(&m->pool, '\0');
}

void
mails_free(struct mails *m)
{
	free(m->at);
	buf_free(&m->pool);
	*m = (struct mails){ .at = NULL };
}

static bool
make_room(struct mails *m)
{
	if (m->n < m->room)
		return true;
	size_t room = m->room == 0 ? 256 : 2 * m->room;
	struct mail *at = realloc(m->at, room * sizeof(*at));
	if (at == NULL)
		return false;
	m->at = at;
	m->room = room;
	return true;
}

/* "NUMBER WORD …" */
static struct span
split(struct span line, long long *number)
{
	struct span rest, word = span_until(span_trim(line), ' ', &rest);

	*number = span_number(word, UINT32_MAX);
	return span_until(span_trim(rest), ' ', &rest);
}

static int
take_size(void *context, struct span line)
{
	struct mails *m = context;
	long long number, octets = span_number(split(line, &number), INT64_MAX);

	if (number < 1 || octets < 0 || m->n >= POP3_MESSAGES || !make_room(m) ||
	    (m->n > 0 && (uint32_t)number <= m->at[m->n - 1].number))
		return -1;
	m->at[m->n++] = (struct mail){ .number = (uint32_t)number, .octets = (uint64_t)octets };
	return 0;
}

enum pop3_status
mails_list(struct pop3_client *c, struct mails *m)
{
	enum pop3_status status = pop3_command(c, "LIST");

	m->n = 0;
	if (status == POP3_OK)
		status = pop3_lines(c, (uint64_t)POP3_MESSAGES * LINE, take_size, m);
	return status == POP3_SINK ? POP3_PROTOCOL : status;
}

static int
take_uidl(void *context, struct span line)
{
	struct mails *m = context;
	long long number;
	struct span uidl = split(line, &number);
	struct mail *mail = number < 1 ? NULL : mails_find(m, (uint64_t)number);

	if (mail == NULL || mail->uidl != 0)
		return -1;
	if (!span_is_word(uidl) || uidl.n > POP3_UIDL) /* RFC 1939 7 */
		return 0;
	mail->uidl = m->pool.len;
	buf_add_span(&m->pool, uidl);
	return buf_add_char(&m->pool, '\0');
}

enum pop3_status
mails_uidl(struct pop3_client *c, struct mails *m)
{
	enum pop3_status status = pop3_command(c, "UIDL");

	if (status == POP3_OK)
		status = pop3_lines(c, (uint64_t)(m->n + 1) * (POP3_UIDL + LINE), take_uidl, m);
	return status == POP3_SINK ? POP3_PROTOCOL : status;
}

struct mail *
mails_find(const struct mails *m, uint64_t number)
{
	size_t from = 0, to = m->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (m->at[middle].number == number)
			return &m->at[middle];
		if (m->at[middle].number < number)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

const char *
mail_uidl(const struct mails *m, const struct mail *mail)
{
	return m->pool.data + mail->uidl;
}

uint64_t
mails_octets(const struct mails *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->n; i++)
		sum += m->at[i].octets;
	return sum;
}

size_t
mails_window(const struct pop3_client *c)
{
	return c->capabilities & POP3_PIPELINING ? POP3_WINDOW : 1;
}

static int
keep_header(void *context, struct span piece)
{
	struct buf *header = context;
	size_t room = SHOW_HEADER - header->len;

	buf_add_span(header, span_slice(piece, 0, room));
	return header->failed ? -1 : 0;
}

enum pop3_status
mails_headers(struct pop3_client *c, const struct mails *m, mails_each *each, void *context)
{
	bool top = (c->capabilities & POP3_TOP) || !(c->capabilities & POP3_CAPA);
	enum pop3_status status = POP3_OK;
	struct buf header;
	size_t sent = 0;

	buf_init(&header, SHOW_HEADER);
	for (size_t i = 0; i < m->n && (status == POP3_OK || status == POP3_REFUSED); i++) {
		for (; sent < m->n && sent < i + mails_window(c); sent++)
			pop3_send(c, top ? "TOP %lu 0" : "RETR %lu", (unsigned long)m->at[sent].number);
		buf_clear(&header);
		status = pop3_reply(c);
		if (status == POP3_REFUSED && top && !(c->capabilities & POP3_CAPA)) {
			top =
			    false; /* an old server without TOP, and without a way to say so; nothing was sent ahead */
			status = pop3_command(c, "RETR %lu", (unsigned long)m->at[i].number);
		}
		if (status == POP3_OK)
			status = pop3_body(c, POP3_MESSAGE, keep_header, &header);
		if ((status == POP3_OK || status == POP3_REFUSED) &&
		    each(context, &m->at[i], buf_span(&header)) < 0)
			status = POP3_SINK;
	}
	buf_free(&header);
	return status == POP3_REFUSED ? POP3_OK : status;
}

enum pop3_status
mails_delete(struct pop3_client *c, struct mails *m, uint64_t *done)
{
	size_t sent = 0, waiting = 0, window = mails_window(c);

	*done = 0;
	for (size_t i = 0; i < m->n; i++) {
		if (!m->at[i].deleted)
			continue;
		for (; sent < m->n && waiting < window; sent++)
			if (m->at[sent].deleted) {
				pop3_send(c, "DELE %lu", (unsigned long)m->at[sent].number);
				waiting++;
			}
		enum pop3_status status = pop3_reply(c);
		waiting--;
		if (status != POP3_OK && status != POP3_REFUSED)
			return status;
		m->at[i].deleted = status == POP3_OK;
		*done += status == POP3_OK;
		if (status == POP3_REFUSED)
			fprintf(stderr, "pop3c: message %lu: %s\n", (unsigned long)m->at[i].number,
			    pop3_words(c, status));
	}
	return POP3_OK;
}
