/* A header: its fields lie one behind the other, and whatever stands in them can be read. */
#include "message.h"

#include "fuzz.h"

static void
read_date(struct span value)
{
	struct buf text;
	int64_t seconds, again;
	int zone, zone_again;

	if (date_parse(value, &seconds, &zone) < 0)
		return;
	struct tm tm = date_split(seconds, zone);
	int year = tm.tm_year + 1900;
	MUST(tm.tm_mon >= 0 && tm.tm_mon <= 11 && tm.tm_mday >= 1 && tm.tm_mday <= 31 && tm.tm_wday >= 0 &&
	     tm.tm_wday <= 6);
	MUST(year >= 0 && year <= 9999);
	buf_init(&text, 100);
	MUST(date_format(seconds, zone, &text) == 0);
	MUST(date_parse(buf_span(&text), &again, &zone_again) == 0);
	if (year >= 1900 && year < 9999)
		MUST(again == seconds && zone_again == zone);
	buf_clear(&text);
	MUST(date_format_ctime(seconds, &text) == 0);
	buf_free(&text);
}

/* More than any value grows by being decoded. */
static void
init_for(struct buf *buf, struct span value)
{
	buf_init(buf, 8 * value.n + 64);
}

static void
read_value(struct span value)
{
	static const char *const names[] = { "charset", "name", "filename", "boundary" };
	struct buf text;

	init_for(&text, value);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		parameter_find(value, names[i], &text);
		MUST(!text.failed);
		buf_clear(&text);
	}
	buf_free(&text);
	read_date(value);
}

void
fuzz(struct span input)
{
	struct span rest = input;
	struct field field;
	const char *at = input.at;

	read_value(input);
	while (field_next(&rest, &field)) {
		/* From_ lines between the fields are passed over. */
		MUST(field.whole.at >= at && field.name.at == field.whole.at && field.name.n > 0);
		at = field.whole.at + field.whole.n;
		MUST(field.value.n == 0 || field.value.at + field.value.n <= at);
		MUST(rest.n == (size_t)(input.at + input.n - at));
		read_value(field.value);
	}
	MUST(rest.n <= (size_t)(input.at + input.n - at));
}
