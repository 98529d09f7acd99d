/*
 * log: one line an event, key=value pairs, on standard error or to syslog(3). Values are escaped here, once (\xNN for what is not
 * printable ASCII, the backslash and the quote); one with a blank, a quote or a = is quoted, and an empty one. A line that would be
 * longer than 3 KiB is cut, and ends with three dots. No password ever gets here.
 *
 *	log_begin("delivered"); log_text("user", name); log_number("size", n); log_end();
 *
 * writes `smtpd[411]: delivered session=… user=anna size=5120` in one write(2). errno is left as it was.
 */
#ifndef LOG_H
#define LOG_H

#include "span.h"

/* program (not copied): stands before each line. syslog: to syslog(3), facility mail, in place of standard error. */
void log_open(const char *program, bool syslog);

/* These pairs (one string, already formatted; "" for none) stand at the start of every event from now on: client=… session=…. */
void log_context(const char *pairs);

void log_begin(const char *event);
void log_text(const char *key, const char *value);
void log_span(const char *key, struct span value);
void log_number(const char *key, long long value);
void log_errno(int error); /* error="No space left on device" */
void log_end(void);

/* The same, as an event that somebody should look at (LOG_ERR). */
void log_begin_error(const char *event);

/* One such event as a whole: a pair, where key is not NULL, and errno. */
void log_failure(const char *event, const char *key, const char *value);

#endif
