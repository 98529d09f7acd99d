#include "findings.h"

#include <stdarg.h>
#include <string.h>

enum { LINE = 512, TEXT = 16 * 1024 * 1024 };

void
findings_init(struct findings *f, const char *name)
{
	*f = (struct findings){ .name = name };
	buf_init(&f->text, TEXT);
}

void
findings_free(struct findings *f)
{
	buf_free(&f->text);
}

void
findings_say(struct findings *f, const char *format, ...)
{
	char line[LINE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	buf_printf(&f->text, "%s: %s\n", f->name, line);
}

void
findings_wrong(struct findings *f, const char *what, const char *done)
{
	f->wrong++;
	if (f->repairing)
		findings_say(f, "%s: %s", what, done);
	else
		findings_say(f, "%s", what);
}

/* "message 3 (UIDL x), byte 120" */
static void
describe(const struct inspect_part *part, char *out, size_t n)
{
	const char *uidl = part->prefix.length > 0 ? part->prefix.entry.uidl : "";
	size_t used = 0;

	if (part->number > 0)
		used = (size_t)snprintf(out, n, "message %zu, ", part->number);
	if (*uidl != '\0')
		used += (size_t)snprintf(out + used, n - used, "UIDL %s, ", uidl);
	snprintf(out + used, n - used, "byte %lld", (long long)part->from);
}

__attribute__((format(printf, 4, 5))) static void
wrong_with(struct findings *f, const struct inspect_part *part, const char *done, const char *format, ...)
{
	char where[128], what[256], line[LINE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	describe(part, where, sizeof(where));
	snprintf(line, sizeof(line), "%s: %s", where, what);
	findings_wrong(f, line, done);
}

static const char *
plural(unsigned long long n)
{
	return n == 1 ? "" : "s";
}

static void
add_kind(struct findings *f, const struct inspect_part *part)
{
	const unsigned long long says = part->prefix.entry.stored,
				 size = (unsigned long long)(part->to - part->from),
				 mended = part->prefix.length + part->mend.stored;

	switch (part->kind) {
	case INSPECT_TORN:
		f->torn++;
		if (part->prefix.length > 0)
			wrong_with(f, part, "moved to mbox.torn", "torn: %llu bytes of %llu%s", size, says,
			    part->last ? "" : ", and messages behind it");
		else
			wrong_with(f, part, "moved to mbox.torn", "torn: %llu bytes", size);
		break;
	case INSPECT_STRAY:
		wrong_with(f, part, "moved to mbox.torn", "%llu byte%s that belong to no message", size,
		    plural(size));
		break;
	case INSPECT_HOLE:
		wrong_with(f, part, "removed", "%llu NUL%s", size, plural(size));
		break;
	case INSPECT_DAMAGED:
		if (mended == says)
			wrong_with(f, part, "kept, with a new sum", "damaged: its sum is wrong");
		else
			wrong_with(f, part, "kept, with its length put right",
			    "damaged: it has %llu bytes, and its entry line says %llu", mended, says);
		break;
	case INSPECT_REWRITTEN:
		f->rewritten++;
		break;
	case INSPECT_DEAD:
		f->dead++;
		if (part->mend.from.n > 0)
			wrong_with(
			    f, part, "removed", "expunged, but for what follows an unquoted From line");
		break;
	case INSPECT_OURS:
	case INSPECT_FOREIGN:
	case INSPECT_BLANK:
		break;
	}
}

int
findings_add(void *findings, const struct inspect_part *part)
{
	struct findings *f = findings;
	const struct mend *m = &part->mend;
	const unsigned long long body = (unsigned long long)part->from + part->prefix.raw;

	f->messages += part->number > 0;
	if (part->glued)
		wrong_with(f, part, "put in", "there is no empty line before it");
	add_kind(f, part);
	if (part->number == 0)
		return 0;
	if (part->restored)
		wrong_with(f, part, "put right", "one bit of its From or X-UIDL line is wrong");
	else if (part->prefix.changed && m->crlf.n == 0 && m->nul.n == 0)
		wrong_with(f, part, "removed", "a CR or a NUL in its From or X-UIDL line");
	if (m->from.n > 0)
		wrong_with(f, part, "quoted", "%llu unquoted From line%s, at byte %llu",
		    (unsigned long long)m->from.n, plural(m->from.n), body + m->from.first);
	if (m->crlf.n > 0)
		wrong_with(f, part, "made LF", "%llu line%s with CRLF, at byte %llu",
		    (unsigned long long)m->crlf.n, plural(m->crlf.n), body + m->crlf.first);
	if (m->nul.n > 0)
		wrong_with(f, part, "removed", "%llu NUL%s, at byte %llu", (unsigned long long)m->nul.n,
		    plural(m->nul.n), body + m->nul.first);
	f->unquoted += m->from.n;
	return 0;
}

void
findings_surroundings(struct findings *f, const struct checkup *c)
{
	if (!c->locked)
		findings_say(
		    f, "another program has locked the mailbox; what is found may be its unfinished work");
	else if (c->dotlock == DOTLOCK_HELD)
		findings_say(f, "mbox.lock is there: a program is at work, or one on another host");
	if (c->dotlock == DOTLOCK_STALE) {
		f->stale++;
		findings_wrong(f, "stale lock: mbox.lock, whose owner is gone", "removed");
	}
	switch (c->redo) {
	case REDO_VALID:
		findings_wrong(f,
		    f->repairing ? "mbox.redo: an expunge was not finished"
				 : "mbox.redo: an expunge is not finished; no message was looked at",
		    "finished");
		break;
	case REDO_UNREADABLE:
		findings_wrong(f, "mbox.redo cannot be read", "left");
		break;
	case REDO_VOID:
		findings_say(f, "mbox.redo is void: whoever comes next removes it");
		break;
	case REDO_NONE:
		break;
	}
}

void
findings_sum_up(struct findings *f)
{
	if (f->rewritten > 0)
		findings_say(f, "%zu message%s changed by a mail reader cannot be verified", f->rewritten,
		    plural(f->rewritten));
	if (f->dead > 0)
		findings_say(f, "%zu expunged message%s not cut out yet", f->dead, plural(f->dead));
	findings_say(f, "%zu message%s, %zu torn tail%s, %zu stale lock%s, %llu unquoted From line%s: %s",
	    f->messages, plural(f->messages), f->torn, plural(f->torn), f->stale, plural(f->stale),
	    (unsigned long long)f->unquoted, plural(f->unquoted), f->wrong == 0 ? "all is well" : "not well");
}

int
findings_print(struct findings *f, FILE *out)
{
	if (f->text.len > 0)
		fwrite(f->text.data, 1, f->text.len, out);
	if (f->text.failed)
		fprintf(out, "%s: and more\n", f->name);
	return fflush(out) != 0 || ferror(out) ? -1 : 0;
}
