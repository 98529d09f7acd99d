#include "fuzz.h"

#include <stdio.h>

#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	fuzz((struct span){ n > 0 ? (const char *)bytes : "", n });
	return 0;
}

_Noreturn void
fuzz_failed(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

void
must_equal(struct span a, struct span b)
{
	if (a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0))
		return;
	(void)fprintf(stderr, "%zu bytes:\n%.*s\n%zu bytes:\n%.*s\n", a.n, (int)a.n, a.n > 0 ? a.at : "", b.n,
	    (int)b.n, b.n > 0 ? b.at : "");
	abort();
}

struct span
fuzz_cut(struct span *rest, size_t most)
{
	size_t n = most > 0 && most < rest->n ? most : rest->n;
	static char *copy;

	free(copy);
	copy = malloc(n > 0 ? n : 1);
	MUST(copy != NULL);
	if (n > 0)
		memcpy(copy, rest->at, n);
	*rest = span_slice(*rest, n, rest->n);
	return (struct span){ copy, n };
}

size_t
cuts_next(struct cuts *cuts)
{
	static const uint8_t sizes[] = { 1, 1, 1, 2, 3, 5, 17, 100 };

	cuts->state = cuts->state * 1103515245 + 12345;
	return sizes[cuts->state >> 16 & 7];
}

struct span
fuzz_part(struct span *rest, char c)
{
	struct span part = span_until(*rest, c, rest);

	if (rest->at == NULL)
		*rest = (struct span){ "", 0 };
	return part;
}

/* In place of log.c, which is not linked then: an event an input would be too much. */
void
log_open(const char *program, bool syslog)
{
	(void)program;
	(void)syslog;
}

void
log_context(const char *pairs)
{
	(void)pairs;
}

void
log_begin(const char *event)
{
	(void)event;
}

void
log_begin_error(const char *event)
{
	(void)event;
}

void
log_text(const char *key, const char *value)
{
	(void)key;
	MUST(value != NULL);
}

void
log_span(const char *key, struct span value)
{
	(void)key;
	MUST(value.n == 0 || value.at != NULL);
}

void
log_number(const char *key, long long value)
{
	(void)key;
	(void)value;
}

void
log_errno(int error)
{
	MUST(error != 0);
}

void
log_end(void)
{
}

void
log_failure(const char *event, const char *key, const char *value)
{
	(void)event;
	MUST(key == NULL || value != NULL);
}
