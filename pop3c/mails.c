#include "mails.h"

#include <stdlib.h>
#include <string.h>

#include "program.h"

enum {
	LINE = 32, /* octets of a LIST line, for the bound of the answer */
	UIDLS = 128 * 1024 * 1024
};

/* The answer to a command, as text. */
static enum pop3_status
take_text(struct pop3_client *c, const char *command, struct buf *text)
{
	enum pop3_status status = pop3_ask(c, command);

	return status == POP3_OK ? pop3_lines(c, text) : status;
}

/* Lines of "NUMBER OCTETS …" */
static enum pop3_status
take_sizes(struct span text, struct mails *m)
{
	size_t most = text.n / strlen("1 1\n") + 1;

	m->at = calloc(most < POP3_MESSAGES ? most : POP3_MESSAGES, sizeof(*m->at));
	if (m->at == NULL)
		return POP3_PROTOCOL;
	while (text.n > 0) {
		struct span line = span_until(text, '\n', &text);
		long long number = span_number(span_word(&line), UINT32_MAX);
		long long octets = span_number(span_word(&line), INT64_MAX);
		if (number < 1 || octets < 0 || m->n == POP3_MESSAGES ||
		    (m->n > 0 && number <= m->at[m->n - 1].number))
			return POP3_PROTOCOL;
		m->at[m->n++] = (struct mail){ .number = (uint32_t)number, .octets = (uint64_t)octets };
	}
	return POP3_OK;
}

enum pop3_status
mails_list(struct pop3_client *c, struct mails *m)
{
	struct buf text;

	*m = (struct mails){ .n = 0 };
	buf_init(&text, (size_t)POP3_MESSAGES * LINE);
	enum pop3_status status = take_text(c, "LIST", &text);
	if (status == POP3_OK)
		status = take_sizes(buf_span(&text), m);
	buf_free(&text);
	return status;
}

void
mails_free(struct mails *m)
{
	free(m->at);
	buf_free(&m->uidls);
	*m = (struct mails){ .at = NULL };
}

/* Lines of "NUMBER UIDL …", which become strings where they stand. */
enum pop3_status
mails_uidl(struct pop3_client *c, struct mails *m)
{
	size_t most = (m->n + 1) * (POP3_UIDL + LINE);

	buf_init(&m->uidls, most < UIDLS ? most : UIDLS);
	enum pop3_status status = take_text(c, "UIDL", &m->uidls);
	for (struct span rest = buf_span(&m->uidls); status == POP3_OK && rest.n > 0;) {
		struct span line = span_until(rest, '\n', &rest);
		struct mail *mail = mails_find(m, span_number(span_word(&line), UINT32_MAX));
		struct span uidl = span_word(&line);
		if (mail == NULL || mail->uidl != NULL)
			return POP3_PROTOCOL;
		if (!span_is_word(uidl) || uidl.n > POP3_UIDL) /* RFC 1939 7 */
			continue;
		mail->uidl = uidl.at;
		m->uidls.data[uidl.at + uidl.n - m->uidls.data] = '\0';
	}
	return status;
}

static int
by_number(const void *key, const void *mail)
{
	long long wanted = *(const long long *)key, number = ((const struct mail *)mail)->number;

	return wanted < number ? -1 : wanted > number;
}

struct mail *
mails_find(const struct mails *m, long long number)
{
	return m->n == 0 ? NULL : bsearch(&number, m->at, m->n, sizeof(*m->at), by_number);
}

struct mails_query
mails_query(struct pop3_client *c, const struct mails *m, const char *verb)
{
	return (struct mails_query){ c, m, verb, "", .end = m->n };
}

struct mail *
mails_next(struct mails_query *q)
{
	size_t window = q->client->capabilities & POP3_PIPELINING ? POP3_WINDOW : 1;
	struct mail *at = q->mails->at;

	while (q->next < q->end && !at[q->next].wanted)
		q->next++;
	if (q->next == q->end)
		return NULL;
	if (q->sent < q->next)
		q->sent = q->next;
	for (; q->sent < q->end && q->ahead < window; q->sent++)
		if (at[q->sent].wanted) {
			pop3_send(q->client, NULL, "%s %lu%s", q->verb, (unsigned long)at[q->sent].number,
			    q->argument);
			q->ahead++;
		}
	q->ahead--;
	return &at[q->next++];
}

enum pop3_status
mails_delete(struct pop3_client *c, const struct mails *m, uint64_t *done)
{
	struct mails_query query = mails_query(c, m, "DELE");
	struct mail *mail;

	*done = 0;
	for (size_t i = 0; i < m->n; i++)
		m->at[i].wanted = m->at[i].deleted;
	while ((mail = mails_next(&query)) != NULL) {
		enum pop3_status status = pop3_reply(c);
		*done += status == POP3_OK;
		if (status != POP3_OK && status != POP3_REFUSED)
			return status;
		if (status == POP3_REFUSED) {
			mail->deleted = false;
			complain(0, "message %lu: %s", (unsigned long)mail->number, pop3_words(c, status));
		}
	}
	return pop3_ask(c, "QUIT");
}
