#include "unique.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/random.h>
#else
#include <fcntl.h>
#endif

#include "codec.h"
#include "hash.h"

static long own; /* 0 for unknown */

static void
forget(void)
{
	own = 0;
}

long
pid_own(void)
{
	static bool watched;

	if (!watched)
		watched = pthread_atfork(NULL, NULL, forget) == 0;
	if (!watched)
		return (long)getpid();
	if (own == 0)
		own = (long)getpid();
	return own;
}

/* Some of n random bytes: how many, or -1 with errno. On Linux without a descriptor, so that it works in a confined process, too. */
static ssize_t
random_some(void *bytes, size_t n)
{
#ifdef __linux__
	return getrandom(bytes, n, 0);
#else
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t got = read(fd, bytes, n);
	int error = got == 0 ? EIO : errno;
	close(fd);
	errno = error;
	return got == 0 ? -1 : got;
#endif
}

int
random_bytes(void *bytes, size_t n)
{
	char *at = bytes;

	while (n > 0) {
		ssize_t got = random_some(at, n);

		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
	return 0;
}

/* The low `size` bytes of value, the highest first, so that ids sort by their time. */
static void
put(uint8_t *at, unsigned size, uint64_t value)
{
	while (size-- > 0) {
		at[size] = (uint8_t)value;
		value >>= 8;
	}
}

void
unique_id(const char *hostname, char out[UNIQUE_ID + 1])
{
	static uint16_t counter; /* a forked child goes on from its parent's, under its own pid */
	uint8_t host[SHA256_SIZE], id[17] = { 0 };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	sha256(hostname, strlen(hostname), host);
	put(id, 7, (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	put(id + 7, 3, (uint64_t)pid_own());
	put(id + 10, 2, counter++);
	memcpy(id + 12, host, 4);
	base32_id(id, out);
}
