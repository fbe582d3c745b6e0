/* import_row: ids and the writing of mails. */
#include "service/import_row.h"
#include "core/base64.h"
#include "core/clock.h"
#include "core/sha256.h"
#include "core/utf8.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_VALUE_MAX = 1024, WORD_BYTES = 42 }; /* of an encoded word, so that it stays below 75 characters */
static const int64_t day_ms = 86400000, first_ms = INT64_C(631152000000); /* 1990 */

void import_row_init(struct import_row *row)
{
    *row = (struct import_row){ .time_ms = 0 };
    buf_init(&row->raw, IMPORT_MAIL_MAX);
    buf_init(&row->key, IMPORT_KEY_MAX);
}

void import_row_clear(struct import_row *row)
{
    buf_clear(&row->raw);
    buf_clear(&row->key);
    row->time_ms = 0;
    row->from[0] = row->to[0] = row->saw_person[0] = row->where[0] = '\0';
}

void import_row_done(struct import_row *row)
{
    buf_done(&row->raw);
    buf_done(&row->key);
}

int import_row_id(const struct import_row *row, const char *source, char out[ID_TEXT], struct err *e)
{
    const struct buf *key = row->key.len > 0 ? &row->key : &row->raw;
    unsigned char     digest[SHA256_BYTES];
    struct sha256    *hash = sha256_new();
    if (!hash)
        return err_set(e, ERR_NOMEM, "out of memory");
    sha256_add(hash, source, strlen(source) + 1);
    sha256_add(hash, buf_str(key), key->len);
    int result = sha256_end(hash, digest);
    sha256_free(&hash);
    if (result < 0)
        return err_set(e, ERR_NOMEM, "SHA-256 cannot be had");
    (void)id_from(out, row->time_ms, digest);
    return 0;
}

bool import_time_is_possible(int64_t time_ms)
{
    return time_ms >= first_ms && time_ms <= clock_wall_ms() + day_ms;
}

static bool is_plain(const char *value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)value[i] >= 0x80 || (value[i] == '=' && value[i + 1] == '?'))
            return false;
    return true;
}

/* =?UTF-8?B?…?=, as many as it takes. */
static void put_words(struct buf *raw, const char *value, size_t n)
{
    for (size_t at = 0; at < n;) {
        size_t take = utf8_cut(value + at, n - at, WORD_BYTES);
        take = take > 0 ? take : 1; /* a byte that is no UTF-8 */
        buf_puts(raw, at > 0 ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
        base64_encode(raw, value + at, take);
        buf_puts(raw, "?=");
        at += take;
    }
}

void import_put_header(struct buf *raw, const char *name, const char *value)
{
    char   clean[HEADER_VALUE_MAX + 1];
    size_t n = utf8_cut(value, strlen(value), HEADER_VALUE_MAX);
    for (size_t i = 0; i < n; i++)
        clean[i] = (unsigned char)value[i] < 0x20 || value[i] == 0x7f ? ' ' : value[i];
    clean[n] = '\0';
    buf_printf(raw, "%s: ", name);
    if (is_plain(clean, n))
        buf_put(raw, clean, n);
    else
        put_words(raw, clean, n);
    buf_puts(raw, "\r\n");
}

void import_put_text(struct buf *raw, const char *text, size_t n)
{
    buf_puts(raw, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\n')
            buf_putc(raw, '\r');
        if (text[i] != '\r' && text[i] != '\0')
            buf_putc(raw, text[i]);
    }
    buf_puts(raw, "\r\n");
}

void *import_list_room(void *items, size_t count, size_t *cap, size_t item_bytes, size_t most)
{
    enum { FIRST = 256 };
    if (count < *cap)
        return items;
    size_t wanted = *cap ? *cap * 2 : FIRST;
    void  *grown = wanted <= most && wanted <= SIZE_MAX / item_bytes ? realloc(items, wanted * item_bytes) : NULL;
    if (grown)
        *cap = wanted;
    return grown;
}
