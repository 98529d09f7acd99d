#include "crlf.h"

#include <string.h>

/* Bytes before the next CR or LF. */
static size_t
text_run(const char *bytes, size_t n)
{
	const char *lf = memchr(bytes, '\n', n);
	size_t run = lf == NULL ? n : (size_t)(lf - bytes);
	const char *cr = memchr(bytes, '\r', run);

	return cr == NULL ? run : (size_t)(cr - bytes);
}

int
crlf_push(struct crlf *crlf, const char *bytes, size_t n, struct buf *out)
{
	while (n > 0) {
		size_t run = text_run(bytes, n);
		buf_add(out, bytes, run);
		if (run > 0)
			crlf->cr = false;
		if (run < n) {
			bool second = bytes[run] == '\n' && crlf->cr;
			if (!second)
				buf_add(out, "\r\n", 2);
			crlf->cr = bytes[run] == '\r';
			run++;
		}
		bytes += run;
		n -= run;
	}
	return out->failed ? -1 : 0;
}
