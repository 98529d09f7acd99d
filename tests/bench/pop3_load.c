/*
 * pop3_load PORT USER PASSWORD LOAD: a POP3 client that is quick enough to measure a server with. LOAD is one of
 *
 *	logins N WORKERS	N sessions of login, STAT, QUIT, by so many at once; worker k is USER with %d replaced by k
 *	login			one: from connect to the reply to STAT
 *	retr N			RETR 1 to N, each asked for when the one before has come
 *	burst N			the same, all asked for at once
 *	delete			DELE 1 and QUIT: from DELE to the reply to QUIT
 *
 * Prints the seconds it took and the octets that came with RETR. Exit status 1 where the server did not do its part.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char in[1024 * 1024];
static unsigned short port;
static const char *user, *password;

_Noreturn static void
fail(const char *what, const char *detail)
{
	fprintf(stderr, "pop3_load: %s: %s\n", what, detail);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t
receive(int fd, size_t at)
{
	ssize_t n = read(fd, in + at, sizeof in - at);

	if (n <= 0)
		fail("read", n < 0 ? strerror(errno) : "the server closed the connection");
	return at + (size_t)n;
}

static void
send_all(int fd, const char *bytes, size_t n)
{
	if (send(fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
		fail("send", strerror(errno));
}

static void
expect_ok(int fd)
{
	size_t n = 0;

	do
		n = receive(fd, n);
	while (in[n - 1] != '\n');
	in[n] = '\0';
	if (strncmp(in, "+OK", 3) != 0)
		fail("reply", in);
}

__attribute__((format(printf, 2, 3))) static void
ask(int fd, const char *format, ...)
{
	char line[600];
	va_list arguments;

	va_start(arguments, format);
	int n = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	send_all(fd, line, (size_t)n);
	expect_ok(fd);
}

static int
dial(int worker)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)
	};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	char name[200];

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		fail("connect", strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	const char *mark = strstr(user, "%d");
	if (mark == NULL)
		snprintf(name, sizeof name, "%s", user);
	else
		snprintf(name, sizeof name, "%.*s%d%s", (int)(mark - user), user, worker, mark + 2);
	expect_ok(fd);
	ask(fd, "USER %s\r\n", name);
	ask(fd, "PASS %s\r\n", password);
	return fd;
}

/* Until the server has closed: it has done with the session then. */
static void
quit(int fd)
{
	ask(fd, "QUIT\r\n");
	while (read(fd, in, sizeof in) > 0)
		;
	close(fd);
}

static double
logins(int count, int workers)
{
	double begun = now();
	int failed = 0, status;

	for (int worker = 0; worker < workers; worker++) {
		pid_t pid = fork();
		if (pid < 0)
			fail("fork", strerror(errno));
		if (pid > 0)
			continue;
		for (int n = worker; n < count; n += workers) {
			int fd = dial(worker);
			ask(fd, "STAT\r\n");
			quit(fd);
		}
		_exit(0);
	}
	while (wait(&status) > 0)
		failed |= status;
	if (failed)
		fail("logins", "a worker failed");
	return now() - begun;
}

static double
login(void)
{
	double begun = now();
	int fd = dial(0);

	ask(fd, "STAT\r\n");
	double taken = now() - begun;
	quit(fd);
	return taken;
}

/* One reply to RETR: nothing comes behind it until more is asked for, so its end is the end of what came. Octets without +OK and dot. */
static size_t
retr(int fd, int number)
{
	char line[40];
	size_t n = 0, all = 0, status = 0;

	send_all(fd, line, (size_t)snprintf(line, sizeof line, "RETR %d\r\n", number));
	for (;;) {
		size_t before = n;
		n = receive(fd, n);
		all += n - before;
		char *lf = status == 0 ? memchr(in, '\n', n) : NULL;
		if (lf != NULL) {
			if (strncmp(in, "+OK", 3) != 0)
				fail("RETR", "-ERR");
			status = (size_t)(lf + 1 - in);
		}
		if (status > 0 && all >= status + 5 && memcmp(in + n - 5, "\r\n.\r\n", 5) == 0)
			return all - status - 3;
		if (n > sizeof in / 2) {
			memmove(in, in + n - 5, 5);
			n = 5;
		}
	}
}

/* RETR 1 to count and QUIT in one go; what comes is counted by its length: at least so much, or a reply was short. */
static size_t
burst(int fd, int count, size_t least)
{
	char *batch = malloc((size_t)count * 16 + 16);
	size_t length = 0, all = 0;
	ssize_t n;

	if (batch == NULL)
		fail("malloc", strerror(errno));
	for (int number = 1; number <= count; number++)
		length += (size_t)sprintf(batch + length, "RETR %d\r\n", number);
	length += (size_t)sprintf(batch + length, "QUIT\r\n");
	send_all(fd, batch, length);
	free(batch);
	while ((n = read(fd, in, sizeof in)) > 0)
		all += (size_t)n;
	if (all < least)
		fail("RETR", "too little came");
	return all;
}

/* The first messages of a mailbox; a burst takes all that it has, for its length must be known. */
static double
fetch(int count, int pipelined, size_t *octets)
{
	int fd = dial(0), messages;
	size_t size;

	ask(fd, "STAT\r\n");
	if (sscanf(in, "+OK %d %zu", &messages, &size) != 2 ||
	    (pipelined ? messages != count : messages < count))
		fail("STAT", in);
	double begun = now();
	if (pipelined)
		*octets = burst(fd, count, size + (size_t)count * strlen("+OK\r\n.\r\n"));
	for (int number = 1; !pipelined && number <= count; number++)
		*octets += retr(fd, number);
	double taken = now() - begun;
	if (!pipelined)
		quit(fd);
	return taken;
}

static double
delete_first(void)
{
	int fd = dial(0);
	double begun = now();

	ask(fd, "DELE 1\r\n");
	ask(fd, "QUIT\r\n");
	double taken = now() - begun;
	close(fd);
	return taken;
}

int
main(int argc, char **argv)
{
	const char *load = argc > 4 ? argv[4] : "";
	int count = argc > 5 ? atoi(argv[5]) : 0, workers = argc > 6 ? atoi(argv[6]) : 1;
	size_t octets = 0;
	double taken;

	if (argc < 5) {
		fprintf(stderr, "usage: pop3_load PORT USER PASSWORD logins N WORKERS | login | retr N | "
				"burst N | delete\n");
		return 64;
	}
	port = (unsigned short)atoi(argv[1]);
	user = argv[2];
	password = argv[3];
	if (strcmp(load, "logins") == 0)
		taken = logins(count, workers);
	else if (strcmp(load, "login") == 0)
		taken = login();
	else if (strcmp(load, "delete") == 0)
		taken = delete_first();
	else
		taken = fetch(count, strcmp(load, "burst") == 0, &octets);
	printf("%.6f %zu\n", taken, octets);
	return 0;
}
