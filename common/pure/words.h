/*
 * words: text of other alphabets in header fields: RFC 2047 encoded words, RFC 2045 and 2231 parameters. Pure.
 */
#ifndef WORDS_H
#define WORDS_H

#include "buf.h"

/*
 * An unstructured value or a display name with encoded words -> UTF-8, unfolded (RFC 2047 6). Control characters of ASCII become
 * spaces. Bytes above 0x7f that are no UTF-8 are taken for windows-1252. Appends; -1 when out is full.
 */
int words_decode(struct span value, struct buf *out);

/*
 * UTF-8 text as an unstructured value: as it is where ASCII does, else encoded words of at most 75 characters that never split a character,
 * folded (CRLF SP) so that no line exceeds 78 with `column` characters before it, where a single space allows it. Control characters become spaces: nothing can be injected.
 */
int words_encode(struct span text, size_t column, struct buf *out);

/*
 * "type/subtype; name=value…": the parameter, unquoted, as UTF-8; RFC 2231 continuations and charsets understood. Appends. False where
 * it is not there, or out is full.
 */
bool parameter_find(struct span value, const char *name, struct buf *out);

#endif
