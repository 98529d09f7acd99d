/*
 * span: a run of bytes that somebody else owns, and ASCII comparisons that no locale can change. Pure.
 */
#ifndef SPAN_H
#define SPAN_H

#include <stdbool.h>
#include <stddef.h>

struct span {
	const char *at; /* not NUL-terminated; may be NULL when n is 0 */
	size_t n;	/* bytes */
};

struct span span_of(const char *string);

/* The bytes from..to of s, both cut to what s has. */
struct span span_slice(struct span, size_t from, size_t to);

/* Take n bytes, which it has, off the front. */
void span_skip(struct span *, size_t n);

/* Without spaces and tabs (and line ends) at both ends. */
struct span span_trim(struct span);

/* The same bytes; the same without regard to ASCII case. */
bool span_is(struct span, const char *string);
bool span_equal(struct span, struct span);
bool span_is_nocase(struct span, const char *string);
bool span_equal_nocase(struct span, struct span);

/* Split at the first c: the part before it; *rest is what follows it. Without c: all of it, and *rest is empty with at == NULL. */
struct span span_until(struct span, char c, struct span *rest);

/* Take the first word off the front, with the blanks and line ends around it. Empty: there is none. */
struct span span_word(struct span *);

/* The first line with its end; all of it where there is none. */
struct span span_line(struct span);

bool span_has(struct span, char c);

/* A whole decimal number of at most max; -1 where there is anything but 1 to 19 digits, or more than max. */
long long span_number(struct span, long long max);

/* At least one byte, each from 0x21 to 0x7e. */
bool span_is_word(struct span);

/* No byte above 0x7f. */
bool span_is_ascii(struct span);

char ascii_lower(char);
bool ascii_is_digit(char);
bool ascii_is_alnum(char);

/* Space or tab; one of them, CR or LF. */
bool ascii_is_blank(char);
bool ascii_is_space(char);

/* 0x20 to 0x7e: may be shown as it is. */
bool ascii_is_print(char);

/* The value of a hexadecimal digit, in either case; -1 where it is none. */
int ascii_hex(char);

#endif
