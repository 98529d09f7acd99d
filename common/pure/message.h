/*
 * message: RFC 5322 header fields, dates, and RFC 2047 words. Pure. Takes LF and CRLF line ends alike.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdint.h>

#include "buf.h"

struct field {
	struct span name;  /* without the colon */
	struct span value; /* folded as it stands, the last line end not included */
	struct span whole; /* with its line end */
};

/* The next field of a header. True while there is one; at the empty line or the end: false, and *rest is the body. A line that is no field
 * ends the header as the empty line does. */
bool field_next(struct span *rest, struct field *);

/* The first field of that name in the header at the start of message. */
bool field_find(struct span message, const char *name, struct field *);

/* A value on one line: folds taken out (each a single space), trimmed. */
int field_unfold(struct span value, struct buf *out);

/* "Tue, 24 Nov 2026 05:31:18 +0000" (RFC 5322 3.3). seconds since 1970, zone in minutes east. */
int date_format(int64_t seconds, int zone, struct buf *out);

/* Any date of RFC 5322 with its obsolete forms, comments and named zones. 0, or -1. zone may be NULL. */
int date_parse(struct span, int64_t *seconds, int *zone);

/* "Tue Nov 24 05:31:18 2026", as in a From_ line (UTC). */
int date_format_ctime(int64_t seconds, struct buf *out);

/* Days, hours … of `seconds + zone` without the C library's clock. */
struct civil {
	int year, month, day, hour, minute, second, weekday; /* month and day from 1; weekday 0 is Sunday */
};
struct civil civil_of(int64_t seconds, int zone);

/* An unstructured value or a display name with encoded words -> UTF-8, unfolded (RFC 2047 6). */
int words_decode(struct span value, struct buf *out);

/*
 * UTF-8 text as an unstructured value: as it is where ASCII does, else encoded words of at most 75 characters that never split a character,
 * folded (CRLF SP) so that no line exceeds 78 with `column` characters before it. Control characters become spaces: nothing can be injected.
 */
int words_encode(struct span text, size_t column, struct buf *out);

/* "type/subtype; name=value…": the parameter, unquoted; RFC 2231 continuations and charsets understood. False where it is not there. */
bool parameter_find(struct span value, const char *name, struct buf *out);

#endif
