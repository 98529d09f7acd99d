/*
 * boot: which start of the system this is. What was never synced is not to be trusted behind a power cut.
 */
#ifndef BOOT_H
#define BOOT_H

#include <stdint.h>

/* The same number until the system starts again; 0, always, where it cannot be told. Asks the system once, and is inherited by forks. */
uint64_t boot_id(void);

#endif
