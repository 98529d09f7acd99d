#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"

#define VERSION "0.1"

static const char *program_name = "letterbox", *program_usage = "";

void
program_begin(const char *name, const char *usage)
{
	program_name = name;
	program_usage = usage;
	/* open(2) takes the lowest that is free. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int
complain(int status, const char *format, ...)
{
	va_list list;

	fprintf(stderr, "%s: ", program_name);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	return status;
}

int
program_option(int option)
{
	const char *name = option == '-' ? optarg : "";

	if (option == 'h' || strcmp(name, "help") == 0) {
		fputs(program_usage, stdout);
		return printed("the help");
	}
	if (option == 'V' || strcmp(name, "version") == 0) {
		printf("%s (Letterbox) %s\n", program_name, VERSION);
		return printed("the version");
	}
	if (option == ':')
		return complain(EXITS_USAGE, "option -%c needs a value", optopt);
	if (option == '-')
		return complain(EXITS_USAGE, "unknown option --%s; %s -h lists them", name, program_name);
	return complain(EXITS_USAGE, "unknown option -%c; %s -h lists them", optopt, program_name);
}

int
printed(const char *what)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXITS_DONE;
	return complain(EXITS_CANNOT_WRITE, "%s cannot be written: %s", what, strerror(errno));
}
