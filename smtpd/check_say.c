/* The lines that are printed. */
#include "checks.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void
check_say(struct check *c, enum check_verdict verdict, const char *format, ...)
{
	static const char *const words[] = { "ok  ", "warn", "fail" };
	va_list list;

	printf("%s ", words[verdict]);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
	c->failed |= verdict == CHECK_FAIL;
}

bool
check_say_line(struct check *c, const char *reason)
{
	struct span rest, text;
	struct span file = span_until(span_of(reason), ':', &rest);
	long long line = span_number(span_until(rest, ':', &text), INT32_MAX);

	if (line >= 0)
		check_say(c, CHECK_FAIL, "%s; fix: sed -i '%llds/^/#/' %s/%.*s", reason, line, c->dir,
		    (int)file.n, file.at);
	return line >= 0;
}

bool
check_access(struct check *c, const char *path)
{
	struct stat st = { 0 };

	if (fstatat(c->root, path, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno != EACCES)
		return true;
	int mode = R_OK | W_OK | (S_ISDIR(st.st_mode) ? X_OK : 0);
	if (faccessat(c->root, path, mode, AT_EACCESS) == 0)
		return true;
	const char *why = strerror(errno);
	if (st.st_uid == geteuid())
		check_say(c, CHECK_FAIL, "%s: %s; fix: chmod -R u+rwX %s/%s", path, why, c->dir, path);
	else
		check_say(c, CHECK_FAIL, "%s: %s; fix: chown -R %ld %s/%s", path, why, (long)geteuid(),
		    c->dir, path);
	return false;
}
