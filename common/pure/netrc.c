#include "netrc.h"

/* The next word into out: between blanks, or in quotes with backslashes. False at the end. A comment ends with its line. */
static bool
next_word(struct span *rest, struct buf *out)
{
	struct span s = span_trim(*rest), line;

	buf_clear(out);
	while (s.n > 0 && s.at[0] == '#') {
		span_until(s, '\n', &line);
		s = span_trim(line);
	}
	bool found = s.n > 0, quoted = found && s.at[0] == '"';
	size_t i = quoted;
	for (; i < s.n && (quoted ? s.at[i] != '"' : !ascii_is_space(s.at[i])); i++) {
		if (quoted && s.at[i] == '\\' && i + 1 < s.n)
			i++;
		buf_add_char(out, s.at[i]);
	}
	*rest = span_slice(s, i + quoted, s.n);
	return found;
}

/* A macro lasts until an empty line. */
static void
skip_macro(struct span *rest)
{
	struct span line;

	do
		line = span_until(*rest, '\n', rest);
	while (line.n > 0);
}

/* What of an entry was there. */
bool
netrc_find(struct span text, struct span host, struct span user, struct buf *login, struct buf *password)
{
	struct buf word;
	bool found = false, ours = false, more = true;

	buf_init(&word, text.n + 1);
	while (more) {
		more = next_word(&text, &word);
		bool any = more && span_is(buf_span(&word), "default");
		if (!more || any || span_is(buf_span(&word), "machine")) { /* an entry is over */
			bool same = user.n == 0 || login->len == 0 || span_equal(buf_span(login), user);
			found = ours && same && login->len + password->len > 0 && !login->failed &&
				!password->failed;
			if (found)
				break;
			buf_clear(login);
			buf_clear(password);
			ours = any ||
			       (more && next_word(&text, &word) && span_equal_nocase(buf_span(&word), host));
		} else if (span_is(buf_span(&word), "login"))
			next_word(&text, login);
		else if (span_is(buf_span(&word), "password"))
			next_word(&text, password);
		else if (span_is(buf_span(&word), "account"))
			next_word(&text, &word);
		else if (span_is(buf_span(&word), "macdef"))
			skip_macro(&text);
	}
	buf_free(&word);
	return found;
}
