/*
 * version: what -V says.
 */
#ifndef VERSION_H
#define VERSION_H

#define LETTERBOX_VERSION "0.1"

#endif
