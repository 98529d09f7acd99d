#include "sender.h"

#include "account_login.h"
#include "delivery.h"
#include "log.h"

int
sender_credential(void *world, struct span login, char *user, struct credential *credential)
{
	const struct delivery *d = world;

	return account_login_credential(d->root, d->config, login, user, credential);
}

void
sender_login(void *world, bool right, struct span user, const char *method)
{
	(void)world;
	log_begin(right ? "login" : "login-failed");
	log_span("user", user);
	log_text("method", method);
	log_end();
}
