#include "complain.h"

#include <stdarg.h>
#include <stdio.h>

static const char *program_name = "letterbox";

void
complain_as(const char *program)
{
	program_name = program;
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
