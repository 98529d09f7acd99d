#include "retry.h"

int64_t
retry_delay(int n, uint32_t dice)
{
	static const int minutes[] = { 1, 2, 5, 10, 20, 40 };

	if (n <= (int)(sizeof minutes / sizeof minutes[0]))
		return minutes[n - 1] * (int64_t)60;
	return 3600 - RETRY_JITTER / 2 + (int64_t)(dice % RETRY_JITTER);
}

bool
retry_is_over(int64_t created, int64_t lifetime, int n, int64_t now)
{
	return n >= RETRY_LEAST && now - created >= lifetime;
}
