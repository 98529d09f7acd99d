#include "child.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int
child_start(struct child *child, const char *command, int which)
{
	int ends[2], theirs = which == STDIN_FILENO ? 0 : 1;

	if (pipe(ends) < 0)
		return -1;
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	child->pid = fork();
	if (child->pid == 0) {
		dup2(ends[theirs], which);
		signal(SIGPIPE, SIG_DFL);
		signal(SIGXFSZ, SIG_DFL);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	int error = errno;
	close(ends[theirs]);
	child->end = ends[!theirs];
	if (child->pid > 0)
		return 0;
	close(child->end);
	errno = error;
	return -1;
}

int
child_end(const struct child *child, int *status)
{
	close(child->end);
	while (waitpid(child->pid, status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}
