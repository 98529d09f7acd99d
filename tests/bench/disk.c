/*
 * disk read FILE | disk copy FILE TO: what a server cannot beat, in seconds: reading FILE with read(2); copying it so that it survives.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char buffer[256 * 1024];

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* to: -1 for nowhere. */
static int
pass(int from, int to)
{
	ssize_t n;

	while ((n = read(from, buffer, sizeof buffer)) > 0)
		if (to >= 0 && write(to, buffer, (size_t)n) != n)
			return -1;
	return n < 0 || (to >= 0 && fsync(to) < 0) ? -1 : 0;
}

int
main(int argc, char **argv)
{
	int copies = argc == 4 && strcmp(argv[1], "copy") == 0;

	if (!copies && (argc != 3 || strcmp(argv[1], "read") != 0)) {
		fprintf(stderr, "usage: disk read FILE | disk copy FILE TO\n");
		return 64;
	}
	double begun = now();
	int from = open(argv[2], O_RDONLY),
	    to = copies ? open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
	if (from < 0 || (copies && to < 0) || pass(from, to) < 0) {
		perror("disk");
		return 1;
	}
	printf("%.6f\n", now() - begun);
	return 0;
}
