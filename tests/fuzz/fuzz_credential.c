/* What stands in `accounts`: whatever is taken can be used, and a {PLAIN} password is its own. */
#include "credential.h"

#include "fuzz.h"

static void
parse(struct span text)
{
	struct credential c;
	char name[ACCOUNT_NAME + 1];

	account_name(text, name);
	if (credential_parse(text, &c) < 0)
		return;
	MUST(c.kind == CREDENTIAL_PLAIN || c.kind == CREDENTIAL_SCRAM);
	MUST(
	    c.iterations >= CREDENTIAL_ITERATIONS && c.iterations <= 10000000 && c.salt_n <= CREDENTIAL_SALT);
	MUST((c.kind == CREDENTIAL_PLAIN) == credential_is_plain(text));
	if (c.kind == CREDENTIAL_PLAIN) {
		struct span password = { c.password, c.password_n };
		MUST(credential_password_valid(password) && credential_verify(&c, password));
	}
	wipe(&c, sizeof c);
}

void
fuzz(struct span input)
{
	for (struct span rest = input; rest.n > 0;)
		parse(fuzz_part(&rest, '\n'));
}
