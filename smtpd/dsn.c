#include "dsn.h"

#include "codec.h"

static const struct {
	const char *word;
	unsigned bit;
} events[] = { { "NEVER", DSN_NEVER }, { "SUCCESS", DSN_SUCCESS }, { "FAILURE", DSN_FAILURE },
	{ "DELAY", DSN_DELAY } };

enum { EVENTS = sizeof events / sizeof events[0] };

int
dsn_parse_notify(struct span value, unsigned *notify)
{
	*notify = 0;
	do {
		struct span word = span_until(value, ',', &value);
		size_t i = 0;

		while (i < EVENTS && !span_is_nocase(word, events[i].word))
			i++;
		if (i == EVENTS)
			return -1;
		*notify |= events[i].bit;
	} while (value.at != NULL);
	return (*notify & DSN_NEVER) != 0 && *notify != DSN_NEVER ? -1 : 0;
}

int
dsn_parse_ret(struct span value, enum dsn_ret *ret)
{
	*ret = span_is_nocase(value, "FULL")   ? DSN_RET_FULL
	       : span_is_nocase(value, "HDRS") ? DSN_RET_HDRS
					       : DSN_RET_NONE;
	return *ret == DSN_RET_NONE ? -1 : 0;
}

static int
upper_hex(char c)
{
	return c >= 'a' && c <= 'f' ? -1 : ascii_hex(c);
}

int
dsn_decode_xtext(struct span xtext, struct buf *out)
{
	for (size_t i = 0; i < xtext.n; i++) {
		char c = xtext.at[i];
		if (c == '+') {
			int high = i + 2 < xtext.n ? upper_hex(xtext.at[i + 1]) : -1;
			int low = high >= 0 ? upper_hex(xtext.at[i + 2]) : -1;
			if (low < 0)
				return -1;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (!span_is_word((struct span){ &c, 1 }) || c == '=')
			return -1;
		buf_add_char(out, c);
	}
	return out->failed ? -1 : 0;
}

/* What it stands for goes into header fields of a notice: RFC 3461 4.2 and 4.4 want it printable. */
bool
dsn_is_xtext(struct span xtext)
{
	struct buf plain;

	buf_init(&plain, DSN_ORCPT);
	bool good = xtext.n > 0 && dsn_decode_xtext(xtext, &plain) == 0;
	for (size_t i = 0; i < plain.len && good; i++)
		good = ascii_is_print(plain.data[i]);
	buf_free(&plain);
	return good;
}

bool
dsn_is_envid(struct span value)
{
	return value.n <= DSN_ENVID && dsn_is_xtext(value);
}

/* RFC 6533 3: an address of the type utf-8 may stand there as it is. */
static bool
is_utf8_address(struct span address)
{
	for (size_t i = 0; i < address.n; i++)
		if ((unsigned char)address.at[i] < 0x80 && !span_is_word(span_slice(address, i, i + 1)))
			return false;
	return address.n > 0 && utf8_valid(address);
}

bool
dsn_is_orcpt(struct span value)
{
	struct span address;
	struct span type = span_until(value, ';', &address);

	if (type.n == 0 || value.n > DSN_ORCPT)
		return false;
	for (size_t i = 0; i < type.n; i++)
		if (!ascii_is_alnum(type.at[i]) && type.at[i] != '-')
			return false;
	return dsn_is_xtext(address) || (span_is_nocase(type, "utf-8") && is_utf8_address(address));
}

void
dsn_write_notify(unsigned notify, struct buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < EVENTS; i++) {
		if ((notify & events[i].bit) == 0)
			continue;
		buf_printf(out, "%s%s", comma, events[i].word);
		comma = ",";
	}
}
