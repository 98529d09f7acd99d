/* What is found in the files `routes` and `routes.auth` lies within them, on the line that is named. */
#include "routes.h"

#include "fuzz.h"

static void
within(struct span text, struct span part, int line)
{
	struct span rest = text;

	if (line == 0)
		return;
	while (line-- > 1)
		span_until(rest, '\n', &rest);
	struct span whole = span_until(rest, '\n', &rest);
	MUST(part.n == 0 || (part.at >= whole.at && part.at + part.n <= whole.at + whole.n));
}

/* The first line says for which domain, or which server. */
void
fuzz(struct span input)
{
	struct server_name name = { "", "25" };
	struct span domain = fuzz_part(&input, '\n'), text = fuzz_cut(&input, 0);
	struct span server, user, password;

	int line = routes_line(text, domain, &server);
	within(text, server, line);
	if (domain.n < sizeof name.host && domain.n > 0)
		memcpy(name.host, domain.at, domain.n);
	line = routes_login(text, &name, &user, &password);
	within(text, user, line);
	within(text, password, line);
}
