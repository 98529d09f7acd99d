#include "identity.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"

void
identity_host(struct buf *out)
{
	char name[256] = "", address[sizeof(name) + 2];
	struct path path;
	const char *reason;

	if (gethostname(name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	snprintf(address, sizeof(address), "x@%s", name);
	bool domain =
	    strchr(name, '.') != NULL && path_parse_bare(span_of(address), &path, &reason) == 0 && !path.utf8;
	buf_add_string(out, domain ? name : "localhost");
}

int
identity_address(const char *host, struct buf *out)
{
	const char *name = getenv("LOGNAME");
	const char *reason;
	struct path path;

	if (name == NULL || *name == '\0')
		name = getenv("USER");
	if (name == NULL || *name == '\0') {
		const struct passwd *entry =
		    getpwuid(getuid()); /* cppcheck-suppress getpwuidCalled ; no threads here */
		name = entry == NULL ? "" : entry->pw_name;
	}
	buf_printf(out, "%s@%s", name, host);
	return out->failed ? -1 : path_parse_bare(buf_span(out), &path, &reason);
}
