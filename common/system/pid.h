/*
 * pid: getpid(2) without a system call each time; right in a forked child, too.
 */
#ifndef PID_H
#define PID_H

long pid_own(void);

#endif
