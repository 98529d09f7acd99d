/*
 * session_process: what a process that serves one connection does around the session: log context, the session's id.
 */
#ifndef SESSION_PROCESS_H
#define SESSION_PROCESS_H

#include "server.h"

/*
 * Serve in this process; the info lacks its id. stop_fd and denied_fd: as in conn.h. Takes in and out over. 0, or -1: it could not begin,
 * which was logged.
 */
int session_process(
    const struct server *, int in, int out, const struct session_info *, int stop_fd, int denied_fd);

#endif
