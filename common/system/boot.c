#include "boot.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "io.h"

uint64_t
boot_id(void)
{
	static uint64_t id;
	static bool known;
	char uuid[64]; /* of Linux */
	uint8_t sum[SHA256_SIZE];

	if (known)
		return id;
	known = true;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = io_read_at(fd, uuid, sizeof(uuid), 0);
	close(fd);
	if (n <= 0)
		return 0;
	sha256(uuid, (size_t)n, sum);
	memcpy(&id, sum, sizeof(id));
	return id;
}
