#include "date.h"

#include <string.h>

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
	"Nov", "Dec" };
static const char weekdays[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

enum { DAY = 86400, ERA_YEARS = 400, ERA_DAYS = 146097 };

/* Years begin in March here, so that the leap day is the last of its year; March 1st of the year 0 is day -719468. */
static const int64_t epoch = 719468;
static const int64_t first_second = -62167219200, last_second = 253402300799; /* of the years 0 and 9999 */

static int64_t
days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - ERA_YEARS + 1) / ERA_YEARS;
	int64_t of_era = y - era * ERA_YEARS;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - epoch;
}

/* Into one of the years 0 to 9999. */
static int64_t
clamp(int64_t seconds)
{
	return seconds < first_second ? first_second : seconds > last_second ? last_second : seconds;
}

struct civil
civil_of(int64_t seconds, int zone)
{
	int64_t local = clamp(clamp(seconds) + (int64_t)zone * 60);
	int64_t day = (local >= 0 ? local : local - DAY + 1) / DAY;
	int second = (int)(local - day * DAY);
	int64_t shifted = day + epoch;
	int64_t era = (shifted >= 0 ? shifted : shifted - ERA_DAYS + 1) / ERA_DAYS;
	int64_t of_era = shifted - era * ERA_DAYS;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int month = (int)((5 * of_year + 2) / 153);

	return (struct civil){
		.year = (int)(year + era * ERA_YEARS) + (month >= 10 ? 1 : 0),
		.month = month < 10 ? month + 3 : month - 9,
		.day = (int)(of_year - (153 * month + 2) / 5 + 1),
		.hour = second / 3600,
		.minute = second / 60 % 60,
		.second = second % 60,
		.weekday = (int)(((day + 4) % 7 + 7) % 7), /* 1970 began on a Thursday */
	};
}

int
date_format(int64_t seconds, int zone, struct buf *out)
{
	struct civil c = civil_of(seconds, zone);
	int minutes = zone < 0 ? -zone : zone;

	return buf_printf(out, "%s, %d %s %04d %02d:%02d:%02d %c%02d%02d", weekdays[c.weekday], c.day,
	    months[c.month - 1], c.year, c.hour, c.minute, c.second, zone < 0 ? '-' : '+', minutes / 60 % 100,
	    minutes % 60);
}

int
date_format_ctime(int64_t seconds, struct buf *out)
{
	struct civil c = civil_of(seconds, 0);

	return buf_printf(out, "%s %s %2d %02d:%02d:%02d %04d", weekdays[c.weekday], months[c.month - 1],
	    c.day, c.hour, c.minute, c.second, c.year);
}

/* Parsing. Each word tells by its look what it is, so that order, missing weekdays, hyphens and ctime(3)'s form come for nothing. */

struct parts {
	struct civil c; /* month 0, day 0, year -1, hour -1: not seen yet */
	int times;	/* of hour, minute, second, those that were seen */
	bool colon;	/* another must follow */
	int zone;
	bool zoned;
};

/* White space, commas and nested comments. */
static void
skip_blanks(struct span *s)
{
	size_t depth = 0;

	while (s->n > 0) {
		char c = s->at[0];
		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == '\\' && depth > 0 && s->n > 1)
			span_skip(s, 1);
		else if (depth == 0 && !ascii_is_space(c) && c != ',')
			return;
		span_skip(s, 1);
	}
}

/* Digits at the front of s: their value, *digits how many; -1 where there are none or too many. */
static int
take_number(struct span *s, size_t *digits)
{
	size_t n = 0;

	while (n < s->n && ascii_is_digit(s->at[n]))
		n++;
	*digits = n;
	long long value = n > 9 ? -1 : span_number(span_slice(*s, 0, n), 999999999);
	span_skip(s, n);
	return (int)value;
}

static int
full_year(int year, size_t digits)
{
	if (digits == 2)
		return year < 50 ? year + 2000 : year + 1900; /* RFC 5322 4.3 */
	return digits == 3 ? year + 1900 : year;
}

/* A part of the time where a colon stands before or behind it, else the day or the year. */
static bool
take_digits(struct span *s, struct parts *p)
{
	int *const time[] = { &p->c.hour, &p->c.minute, &p->c.second };
	size_t digits;
	int number = take_number(s, &digits);
	bool behind = p->colon;

	skip_blanks(s);
	p->colon = s->n > 0 && s->at[0] == ':';
	if (p->colon)
		span_skip(s, 1);
	if (p->colon || behind) {
		if (p->times == 3 || behind != (p->times > 0))
			return false;
		*time[p->times++] = number;
	} else if (p->c.day == 0)
		p->c.day = number;
	else if (p->c.year < 0)
		p->c.year = full_year(number, digits);
	else
		return false;
	return number >= 0;
}

static bool
take_offset(struct span *s, struct parts *p)
{
	size_t digits;
	bool west = s->at[0] == '-';

	span_skip(s, 1);
	if (p->c.hour < 0)
		return west; /* the hyphens of 24-Nov-2026 */
	int number = take_number(s, &digits);
	if (p->zoned || number < 0 || digits != 4 || number % 100 > 59)
		return false;
	p->zone = (number / 100 * 60 + number % 100) * (west ? -1 : 1);
	p->zoned = true;
	return true;
}

/* The zones of RFC 822; all others, the military letters, too, say nothing that can be relied on (RFC 5322 4.3). */
static int
zone_of(struct span word)
{
	static const struct {
		const char name[4];
		int hours;
	} zones[] = { { "EDT", -4 }, { "EST", -5 }, { "CDT", -5 }, { "CST", -6 }, { "MDT", -6 },
		{ "MST", -7 }, { "PDT", -7 }, { "PST", -8 } };

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (span_is_nocase(word, zones[i].name))
			return zones[i].hours * 60;
	return 0;
}

static bool
is_weekday(struct span word)
{
	for (size_t i = 0; i < 7; i++)
		if (span_is_nocase(span_slice(word, 0, 3), weekdays[i]))
			return true;
	return false;
}

static bool
take_word(struct span *s, struct parts *p)
{
	size_t n = 0;

	while (n < s->n && ascii_is_alnum(s->at[n]))
		n++;
	struct span word = span_slice(*s, 0, n);
	span_skip(s, n);
	if (s->n > 0 && s->at[0] == '.') /* "Nov." */
		span_skip(s, 1);
	for (int i = 0; i < 12 && p->c.month == 0; i++)
		if (span_is_nocase(span_slice(word, 0, 3), months[i])) {
			p->c.month = i + 1;
			return true;
		}
	if (p->c.hour < 0)
		return is_weekday(word);
	if (!p->zoned && !is_weekday(word))
		p->zone = zone_of(word);
	p->zoned = true;
	return n > 0;
}

static bool
is_date(const struct civil *c)
{
	static const int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (c->year < 0 || c->year > 9999 || c->month == 0 || c->hour > 23 || c->minute > 59 ||
	    c->second > 60)
		return false;
	bool leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);
	return c->day >= 1 && c->day <= lengths[c->month - 1] + (leap && c->month == 2 ? 1 : 0);
}

int
date_parse(struct span text, int64_t *seconds, int *zone)
{
	struct parts p = { .c = { .year = -1, .hour = -1 } };

	for (skip_blanks(&text); text.n > 0; skip_blanks(&text)) {
		bool ok;
		if (ascii_is_digit(text.at[0]))
			ok = take_digits(&text, &p);
		else if (p.colon)
			ok = false;
		else if (text.at[0] == '+' || text.at[0] == '-')
			ok = take_offset(&text, &p);
		else
			ok = ascii_is_alnum(text.at[0]) && take_word(&text, &p);
		if (!ok)
			return -1;
	}
	if (p.colon || p.times < 2 || !is_date(&p.c))
		return -1;
	int64_t minutes = (int64_t)p.c.hour * 60 + p.c.minute - p.zone;
	*seconds = days_of(p.c.year, p.c.month, p.c.day) * DAY + minutes * 60 + p.c.second;
	if (zone != NULL)
		*zone = p.zone;
	return 0;
}
