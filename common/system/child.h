/*
 * child: a shell command beside this program, with a pipe to it.
 */
#ifndef CHILD_H
#define CHILD_H

#include <sys/types.h>

struct child {
	pid_t pid;
	int end; /* ours, of the pipe */
};

/* Run by sh(1); its descriptor `which`, STDIN_FILENO or STDOUT_FILENO, is the pipe. 0, or -1 with errno. */
int child_start(struct child *, const char *command, int which);

/* Close our end and wait for it. Its status is as waitpid(2) has it. 0, or -1 with errno. */
int child_end(const struct child *, int *status);

#endif
