#include "date.h"

#include <string.h>

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
	"Nov", "Dec" };
static const char weekdays[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

enum { DAY = 86400 };

static const int64_t first_second = -62167219200, last_second = 253402300799; /* of the years 0 and 9999 */

static int64_t
clamp(int64_t seconds)
{
	return seconds < first_second ? first_second : seconds > last_second ? last_second : seconds;
}

struct tm
date_split(int64_t seconds, int zone)
{
	time_t local = (time_t)clamp(clamp(seconds) + (int64_t)zone * 60);
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&local, &tm);
	return tm;
}

/* strftime(3) would write the day with two digits, and a year with any number of them. */
int
date_format(int64_t seconds, int zone, struct buf *out)
{
	struct tm tm = date_split(seconds, zone);
	int minutes = zone < 0 ? -zone : zone;

	return buf_printf(out, "%s, %d %s %04d %02d:%02d:%02d %c%02d%02d", weekdays[tm.tm_wday], tm.tm_mday,
	    months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec, zone < 0 ? '-' : '+',
	    minutes / 60 % 100, minutes % 60);
}

int
date_format_ctime(int64_t seconds, struct buf *out)
{
	struct tm tm = date_split(seconds, 0);

	return buf_printf(out, "%s %s %2d %02d:%02d:%02d %04d", weekdays[tm.tm_wday], months[tm.tm_mon],
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
}

/* Parsing. Each word tells by its look what it is, so that order, missing weekdays, hyphens and ctime(3)'s form come for nothing. */

struct parts {
	int year, month, day, time[3]; /* -1: not seen yet; month from 0; hour, minute, second */
	int times;		       /* of these those that were seen */
	bool colon;		       /* another must follow */
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

/* Digits at the front of s: their value, *digits how many; -1 where there are too many. */
static int
take_number(struct span *s, size_t *digits)
{
	struct span number = { s->at, 0 };

	while (number.n < s->n && ascii_is_digit(s->at[number.n]))
		number.n++;
	span_skip(s, number.n);
	*digits = number.n;
	return (int)span_number(number, 999999999);
}

/* A part of the time where a colon stands before or behind it, else the day or the year (RFC 5322 4.3 has the short ones). */
static bool
take_digits(struct span *s, struct parts *p)
{
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
		p->time[p->times++] = number;
	} else if (p->day < 0)
		p->day = number;
	else if (p->year < 0)
		p->year = number + (digits == 2 && number < 50	    ? 2000
				       : digits == 2 || digits == 3 ? 1900
								    : 0);
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
	if (p->times == 0)
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

/* Which of the n names has the word's first three letters? -1: none. */
static int
named(struct span word, const char names[][4], int n)
{
	while (n-- > 0 && !span_is_nocase(span_slice(word, 0, 3), names[n]))
		continue;
	return n;
}

static bool
take_word(struct span *s, struct parts *p)
{
	struct span word = { s->at, 0 };

	while (word.n < s->n && ascii_is_alnum(s->at[word.n]))
		word.n++;
	span_skip(s, word.n);
	if (s->n > 0 && s->at[0] == '.') /* "Nov." */
		span_skip(s, 1);
	int month = p->month < 0 ? named(word, months, 12) : -1;
	if (month >= 0)
		p->month = month;
	if (month >= 0 || named(word, weekdays, 7) >= 0)
		return true;
	if (!p->zoned)
		p->zone = zone_of(word);
	p->zoned = true;
	return p->times > 0;
}

/* As seconds, and back: a day that the month has not would become another. */
static bool
seconds_of(const struct parts *p, int64_t *seconds)
{
	/* Years begin in March here, so that the leap day is the last of its year, and 400 of them earlier, so that none is negative. */
	int64_t y = p->year + 400 - (p->month < 2 ? 1 : 0), from_march = (p->month + 10) % 12;
	int64_t days =
	    y * 365 + y / 4 - y / 100 + y / 400 + (153 * from_march + 2) / 5 + p->day - 1 - 719468 - 146097;
	int64_t minutes = (int64_t)p->time[0] * 60 + p->time[1] - p->zone;

	*seconds = days * DAY + minutes * 60 + p->time[2];
	return p->year >= 0 && p->year <= 9999 && p->month >= 0 && p->day >= 1 && p->day <= 31 &&
	       date_split(days * DAY, 0).tm_mday == p->day && p->time[0] <= 23 && p->time[1] <= 59 &&
	       p->time[2] <= 60;
}

int
date_parse(struct span text, int64_t *seconds, int *zone)
{
	struct parts p = { .year = -1, .month = -1, .day = -1 };

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
	if (p.colon || p.times < 2 || !seconds_of(&p, seconds))
		return -1;
	if (zone != NULL)
		*zone = p.zone;
	return 0;
}
