/*
 * session_process: what a process that serves one connection does around the session: signals, log context, the session's id.
 */
#ifndef SESSION_PROCESS_H
#define SESSION_PROCESS_H

#include "server.h"

/*
 * Serve in this process; the info lacks its id. SIGTERM and SIGINT make stop_fd readable, here alone (`ready` takes its place: a descriptor of /dev/null), and
 * set conn_stop. denied_fd is told of failed logins (conn.h). Takes in and out over. 0, or -1: it could not begin, which was logged.
 */
int session_process(const struct server *, int in, int out, const struct session_info *, int stop_fd,
    int ready, int denied_fd);

#endif
