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
	struct civil c = civil_of(seconds, zone);
	MUST(c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= 31 && c.weekday >= 0 && c.weekday <= 6);
	MUST(c.hour >= 0 && c.hour <= 23 && c.minute >= 0 && c.minute <= 59 && c.second >= 0 &&
	     c.second <= 60);
	MUST(c.year >= 0 && c.year <= 9999);
	buf_init(&text, 100);
	MUST(date_format(seconds, zone, &text) == 0);
	MUST(date_parse(buf_span(&text), &again, &zone_again) == 0);
	if (c.year >= 1900 && c.year < 9999)
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
