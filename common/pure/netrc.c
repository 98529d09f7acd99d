#include "netrc.h"

#include <string.h>

/* The next word into out: between blanks, or in quotes with backslashes. False at the end. A comment ends with its line. */
static bool
next_word(struct span *rest, struct buf *out)
{
	struct span s = *rest;
	size_t i = 0;

	buf_clear(out);
	while (i < s.n && (ascii_is_space(s.at[i]) || s.at[i] == '#'))
		if (s.at[i] == '#')
			while (i < s.n && s.at[i] != '\n')
				i++;
		else
			i++;
	bool found = i < s.n;
	bool quoted = found && s.at[i] == '"';
	i += quoted;
	for (; i < s.n && (quoted ? s.at[i] != '"' : !ascii_is_space(s.at[i])); i++) {
		if (quoted && s.at[i] == '\\' && i + 1 < s.n)
			i++;
		buf_add_char(out, s.at[i]);
	}
	*rest = span_slice(s, i + (quoted && i < s.n), s.n);
	return found;
}

/* A macro lasts until an empty line. */
static void
skip_macro(struct span *rest)
{
	for (size_t i = 0; i + 1 < rest->n; i++)
		if (rest->at[i] == '\n' && rest->at[i + 1] == '\n') {
			*rest = span_slice(*rest, i + 2, rest->n);
			return;
		}
	*rest = (struct span){ NULL, 0 };
}

enum { LOGIN = 1, PASSWORD = 2 };

/* The words of one entry, up to the next. What of it was there. */
static int
read_entry(struct span *rest, struct buf *word, struct buf *login, struct buf *password)
{
	int have = 0;
	struct span before = *rest;

	buf_clear(login);
	buf_clear(password);
	for (; next_word(rest, word); before = *rest) {
		struct span name = buf_span(word);
		if (span_is(name, "machine") || span_is(name, "default")) {
			*rest = before;
			break;
		}
		if (span_is(name, "login"))
			have |= next_word(rest, login) ? LOGIN : 0;
		else if (span_is(name, "password"))
			have |= next_word(rest, password) ? PASSWORD : 0;
		else if (span_is(name, "account"))
			next_word(rest, word);
		else if (span_is(name, "macdef"))
			skip_macro(rest);
	}
	return have;
}

bool
netrc_find(struct span text, struct span host, struct span user, struct buf *login, struct buf *password)
{
	struct buf word;
	bool found = false;

	buf_init(&word, text.n + 1);
	while (!found && next_word(&text, &word)) {
		bool ours = span_is(buf_span(&word), "default");
		if (span_is(buf_span(&word), "machine")) {
			next_word(&text, &word);
			ours = span_equal_nocase(buf_span(&word), host);
		} else if (!ours)
			continue;
		int have = read_entry(&text, &word, login, password);
		bool same = user.n == 0 || !(have & LOGIN) ||
			    (login->len == user.n && memcmp(login->data, user.at, user.n) == 0);
		found = ours && same && have != 0 && !login->failed && !password->failed;
	}
	if (!found) {
		buf_clear(login);
		buf_clear(password);
	}
	buf_free(&word);
	return found;
}
