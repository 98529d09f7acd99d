/*
 * codec: base64 (RFC 4648), quoted-printable and RFC 2047 "Q" (RFC 2045 6.7), UTF-8 (utf8.c). Pure.
 * All append; -1 where out is full, which holds a part then.
 */
#ifndef CODEC_H
#define CODEC_H

#include <stdint.h>

#include "buf.h"

/* One run of base64 without line breaks, padded. */
int base64_encode(struct span, struct buf *out);

/* Strict, as SASL wants it: padded, nothing else inside. -1 also when it is anything else; out is as it was then. */
int base64_decode(struct span, struct buf *out);

/* As found in mail: takes what is in the alphabet, leaves out the rest, stops at padding. */
int base64_decode_lenient(struct span, struct buf *out);

/* A MIME body: lines of 76 characters with CRLF. */
int base64_encode_lines(struct span, struct buf *out);

/* A text body with CRLF lines: soft breaks at 76, 8-bit, trailing blanks, and "From " or a dot at a line's start encoded. */
int qp_encode(struct span, struct buf *out);

/* A body: soft breaks joined, what is malformed passes as it is. */
int qp_decode(struct span, struct buf *out);

/* The Q encoding of RFC 2047 4.2: an underscore is a space. */
int q_decode(struct span, struct buf *out);

/* 130 bits as an id of lower-case letters and digits; ids sort as the bytes do. */
enum { BASE32_ID = 26 };
void base32_id(const uint8_t bytes[17], char id[BASE32_ID + 1]);

/* Is it valid UTF-8 (RFC 3629: no overlong form, no surrogate, at most U+10FFFF)? */
bool utf8_valid(struct span);

/* The character at the start of s, which is not empty; its bytes go to *n. -1 (and 1) where it is none. */
int32_t utf8_next(struct span s, size_t *n);

/* A character, of which there are but 0x10ffff. */
int utf8_add(uint32_t character, struct buf *out);

/*
 * Append text in charset as valid UTF-8: US-ASCII and none (both read as UTF-8), UTF-8, ISO-8859-1 (read as windows-1252, which it
 * mostly is), windows-1252, ISO-8859-15; of others the ASCII part. A byte that means nothing is '?'.
 */
int utf8_from(struct span text, struct span charset, struct buf *out);

#endif
