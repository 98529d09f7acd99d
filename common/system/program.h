/*
 * program: what each of the programs says of itself: how it is used, which version it is, why it ends.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

/*
 * First of all: whichever of the descriptors 0, 1 and 2 is closed becomes one that can neither be read nor written, so that no socket or file
 * takes its place, and what is printed there is known to be lost. usage is what -h prints. Both strings are the caller's, and last.
 */
void program_begin(const char *name, const char *usage);

/* One line on standard error, without its end. Returns status, for `return complain(EXITS_USAGE, …)`. */
int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * What getopt(3) gave and the program does not know itself: -h, -V, --help, --version, or what is wrong. The exit status. Its options begin
 * with ":" and end with "hV-:".
 */
int program_option(int option);

/* What was printed, `what`, has left: EXITS_DONE, or EXITS_CANNOT_WRITE, and why was said. */
int printed(const char *what);

#endif
