/*
 * mailboxes: the backend of the daemon: accounts, snapshot and log answer for a mail root.
 */
#ifndef MAILBOXES_H
#define MAILBOXES_H

#include "backend.h"
#include "config.h"
#include "snapshot.h"

/* root, config and client are the caller's; the rest begins as zeroes. */
struct mailboxes {
	int root; /* descriptor of the mail root */
	const struct config *config;
	const char *client; /* the peer, for whom [IN-USE] is told about this session */
	bool is_open;
	struct snapshot snapshot;
	struct snapshot_reader reader;
};

/* Its context is a struct mailboxes. */
extern const struct backend mailboxes_backend;

#endif
