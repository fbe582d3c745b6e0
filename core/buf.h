/* buf: the one growing buffer, with its ceiling inside. Also the builder of texts (JSON, requests, replies).
 *
 *   0           len         cap        max
 *   |--- data ---|-- room ---|-- never --|      data[len] is always NUL; len, cap and max are without that NUL
 *
 * Two ways to add: buf_add says at once that it did not fit; the buf_put family is for builders: what does not
 * fit sets `failed` and adds nothing from there on, and the builder asks once at the end. */
#pragma once
#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char  *data; /* NULL until something was added; use buf_str() for a string */
    size_t len, cap, max;
    bool   failed; /* a buf_put did not fit: limit or memory */
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);  /* frees; b is as after buf_init. Also the CLEANUP handler. */
void buf_clear(struct buf *b); /* keeps the memory */
void buf_shrink(struct buf *b); /* empties and gives the memory back */

/* ERR_LIMIT or ERR_NOMEM: b unchanged. */
int buf_add(struct buf *b, const void *bytes, size_t n, struct err *e) MUST_CHECK;
/* Makes room for n more bytes without adding them. */
int buf_reserve(struct buf *b, size_t n, struct err *e) MUST_CHECK;

void buf_put(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *s); /* NULL adds nothing */
void buf_putc(struct buf *b, char c);
void buf_puti(struct buf *b, int64_t value); /* decimal */
void buf_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);

void        buf_consume(struct buf *b, size_t n); /* drops n bytes from the front */
const char *buf_str(const struct buf *b);         /* never NULL; valid until the next change */
/* The heap block, NUL-terminated, now the caller's (free); b is empty. NULL only if memory ran out. */
char *buf_take(struct buf *b);
