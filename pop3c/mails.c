#include "mails.h"

#include <stdlib.h>

#include "program.h"
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

enum pop3_status
mails_ask(struct pop3_client *c, const struct mails *m, size_t from, size_t to, struct mails_query *query)
{
	size_t sent = from, ahead = 0, window = c->capabilities & POP3_PIPELINING ? POP3_WINDOW : 1;
	enum pop3_status status = POP3_OK;

	for (size_t i = from; i < to && status == POP3_OK; i++) {
		if (!m->at[i].wanted)
			continue;
		for (; sent < to && ahead < window; sent++)
			if (m->at[sent].wanted) {
				pop3_send(c, "%s %lu%s", query->verb, (unsigned long)m->at[sent].number,
				    query->argument);
				ahead++;
			}
		status = query->answer(query, c, &m->at[i]);
		ahead--;
	}
	return status;
}

/* What mails_headers is about. */
struct headers {
	mails_each *each;
	void *context;
	struct buf header;
};

static int
keep_header(void *context, struct span piece)
{
	struct buf *header = context;
	size_t room = SHOW_HEADER - header->len;

	buf_add_span(header, span_slice(piece, 0, room));
	return header->failed ? -1 : 0;
}

static enum pop3_status
take_header(struct mails_query *query, struct pop3_client *c, struct mail *mail)
{
	struct headers *h = query->context;
	enum pop3_status status = pop3_reply(c);

	buf_clear(&h->header);
	/* An old server without TOP, and without a way to say so; nothing was sent ahead. */
	if (status == POP3_REFUSED && query->verb[0] == 'T' && !(c->capabilities & POP3_CAPA)) {
		query->verb = "RETR";
		query->argument = "";
		status = pop3_command(c, "RETR %lu", (unsigned long)mail->number);
	}
	if (status == POP3_OK)
		status = pop3_body(c, POP3_MESSAGE, keep_header, &h->header);
	if (status != POP3_OK && status != POP3_REFUSED)
		return status;
	return h->each(h->context, mail, buf_span(&h->header)) < 0 ? POP3_SINK : POP3_OK;
}

enum pop3_status
mails_headers(struct pop3_client *c, const struct mails *m, mails_each *each, void *context)
{
	bool has_top = (c->capabilities & POP3_TOP) || !(c->capabilities & POP3_CAPA);
	struct headers h = { .each = each, .context = context };
	struct mails_query query = { has_top ? "TOP" : "RETR", has_top ? " 0" : "", take_header, &h };

	buf_init(&h.header, SHOW_HEADER);
	for (size_t i = 0; i < m->n; i++)
		m->at[i].wanted = true;
	enum pop3_status status = mails_ask(c, m, 0, m->n, &query);
	buf_free(&h.header);
	return status;
}

static enum pop3_status
take_deletion(struct mails_query *query, struct pop3_client *c, struct mail *mail)
{
	uint64_t *done = query->context;
	enum pop3_status status = pop3_reply(c);

	if (status == POP3_OK)
		++*done;
	if (status != POP3_REFUSED)
		return status;
	mail->deleted = false;
	complain(0, "message %lu: %s", (unsigned long)mail->number, pop3_words(c, status));
	return POP3_OK;
}

enum pop3_status
mails_delete(struct pop3_client *c, const struct mails *m, uint64_t *done)
{
	struct mails_query query = { "DELE", "", take_deletion, done };

	*done = 0;
	for (size_t i = 0; i < m->n; i++)
		m->at[i].wanted = m->at[i].deleted;
	enum pop3_status status = mails_ask(c, m, 0, m->n, &query);
	return status == POP3_OK ? pop3_command(c, "QUIT") : status;
}
