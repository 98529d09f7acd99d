#include "destination.h"

void
destination_of(
    const struct config *config, const struct queue_recipient *r, char destination[SMTP_DOMAIN + 1])
{
	struct span domain = r->address;
	size_t n = 0;

	for (size_t i = domain.n; i > 0 && domain.at[i - 1] != '@'; i--)
		n++;
	domain = span_slice(domain, domain.n - n, domain.n);
	if (n > 1 && domain.at[n - 1] == '.')
		domain.n--;
	destination[0] = '\0';
	/* Where there is no domain it is for local to say that. */
	if (r->mailbox || n == r->address.n || domain.n > SMTP_DOMAIN ||
	    config_receives(config, span_slice(r->address, 0, r->address.n - n - 1), domain))
		return;
	for (size_t i = 0; i < domain.n; i++)
		destination[i] = ascii_lower(domain.at[i]);
	destination[domain.n] = '\0';
}
