#include "draft.h"

#include <errno.h>
#include <unistd.h>

#include "bounds.h"

enum { PIECE = 64 * 1024 };

void
draft_init(struct draft *draft)
{
	*draft = (struct draft){ .content = { .size = 0 } };
	scratch_init(&draft->text, SPOOL_MEMORY);
}

void
draft_free(struct draft *draft)
{
	scratch_free(&draft->text);
}

int
draft_add(struct draft *draft, struct span s)
{
	content_add(&draft->content, s);
	return scratch_add(&draft->text, s);
}

int
draft_finish(struct draft *draft)
{
	content_end(&draft->content);
	return scratch_end(&draft->text);
}

/* What a message goes through: the dot is looked for, then line ends become CRLF. */
struct filter {
	struct lone_dot dot;
	struct crlf crlf;
};

/* A piece, or the end. 1: the dot came. */
static int
add_message(struct draft *draft, enum draft_input kind, struct filter *f, struct span s)
{
	struct buf undotted, clean;
	bool over = false;

	buf_init(&undotted, PIECE + 2);
	buf_init(&clean, (size_t)3 * PIECE);
	if (kind == DRAFT_DOT) {
		over = lone_dot_push(&f->dot, s, &undotted);
		if (s.n == 0)
			lone_dot_end(&f->dot, &undotted);
		s = buf_span(&undotted);
	}
	crlf_push(&f->crlf, s.at, s.n, &clean);
	int status = clean.failed || undotted.failed ? -1 : draft_add(draft, buf_span(&clean));
	buf_free(&undotted);
	buf_free(&clean);
	return status < 0 ? -1 : over;
}

int
draft_read(struct draft *draft, int fd, enum draft_input kind)
{
	static char bytes[PIECE];
	struct filter filter = { .dot = { .state = LONE_DOT_START } };
	ssize_t n = 1;
	int status = 0;

	while (n > 0 && status == 0) {
		do
			n = read(fd, bytes, sizeof(bytes));
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -1;
		struct span piece = { bytes, (size_t)n };
		status =
		    kind == DRAFT_AS_IS ? draft_add(draft, piece) : add_message(draft, kind, &filter, piece);
	}
	if (status < 0 || draft_finish(draft) < 0)
		return -1;
	return kind == DRAFT_DOT && status == 0 ? 1 : 0;
}
