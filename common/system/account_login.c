#include "account_login.h"

#include <errno.h>
#include <string.h>

#include "account.h"
#include "log.h"
#include "net.h"
#include "unique.h"

_Static_assert((int)SASL_USER >= (int)ACCOUNT_NAME, "a user's name fits into a session's");

int
account_login_random(void *context, uint8_t *nonce)
{
	(void)context;
	return random_bytes(nonce, SASL_NONCE);
}

/* Mail programs often log in with the whole address. */
static struct span
without_local_domain(const struct config *config, struct span login)
{
	size_t n = login.n;

	while (n > 0 && login.at[n - 1] != '@')
		n--;
	if (n > 0 && config_is_local(config, span_slice(login, n, login.n)))
		login.n = n - 1;
	return login;
}

/* For the decoy: always the same for the same login, and nobody's name, as that never begins so. */
static void
nobodys_name(struct span login, char *name)
{
	size_t n = 0;

	name[n++] = '-';
	for (size_t i = 0; i < login.n && n < ACCOUNT_NAME; i++)
		if (login.at[i] != '\0')
			name[n++] = login.at[i];
	name[n] = '\0';
}

int
account_login_credential(
    int root, const struct config *config, struct span login, char *user, struct credential *credential)
{
	if (!account_name(without_local_domain(config, login), user))
		nobodys_name(login, user);
	if (account_credential(root, user, credential) == 0)
		return 0;
	int error = errno;
	log_begin_error("account not read");
	log_span("user", login);
	if (error == EINVAL)
		log_text("reason", "malformed credential");
	else
		log_errno(error);
	log_end();
	return -1;
}
