/*
 * redo_file: mbox.redo, where a plan is durable before it is carried out. What stands in it: redo.c, bury.c.
 */
#ifndef REDO_FILE_H
#define REDO_FILE_H

#include "maildrop.h"

extern const char redo_file_name[];

/* The one that is there. Its descriptor, or -1 with errno. */
int redo_file_open(const struct maildrop *);

/* A new one, which nobody finds before it is published, durably. Its descriptor; 0; or -1 with errno. */
int redo_file_create(const struct maildrop *);
int redo_file_publish(const struct maildrop *, int fd);

/* To be forgotten for good, published or not. 0, or -1 with errno. */
int redo_file_void(const struct maildrop *, int fd);

#endif
