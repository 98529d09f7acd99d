#include "account_name.h"

bool
account_name(struct span local, char out[ACCOUNT_NAME + 1])
{
	struct span tag;
	struct span name = span_until(local, '+', &tag);

	if (name.n == 0 || name.n > ACCOUNT_NAME || name.at[0] == '.' || name.at[0] == '-')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.at[i];

		if (!ascii_is_alnum(c) && c != '.' && c != '_' && c != '-')
			return false;
		out[i] = ascii_lower(c);
	}
	out[name.n] = '\0';
	return true;
}
