/* Fuzz: BDAT beside a model. The first byte is the size of the pieces; then two bytes each: what is said, and how much of it. */
#include "net/smtp_session.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct smtp_limits limits = { 900, 3, 120, 1000000, 1000000 };
static const char bytes[256] = ".\r\nQUIT\r\n.\r\nRSET\n\0BDAT 9 LAST\r\n..\r\n"; /* of every chunk: what would do harm as a command */

static struct { /* body: of the mail under way; wanted: of all that should be kept; is_open: RCPT was taken */
    struct buf said, body, wanted;
    bool is_open;
    int answers;
} m = { { .max = 1 << 24 }, { .max = 1 << 24 }, { .max = 1 << 24 }, false, 0 };

static void say_chunk(size_t n, bool is_last)
{
    buf_printf(&m.said, "BDAT %zu%s\r\n", n, is_last ? " LAST" : "");
    buf_put(&m.said, bytes, n);
    buf_put(&m.body, bytes, m.is_open ? n : 0);
    if (m.is_open && is_last && m.body.len <= limits.message_bytes)
        buf_put(&m.wanted, buf_str(&m.body), m.body.len);
    m.is_open = m.is_open && !is_last && m.body.len <= limits.message_bytes;
}

static void say(uint8_t what, uint8_t much)
{
    static const char *const others[] = { "NOOP\r\n", "RCPT TO:<e@f>\n", "bdat 0\r\n", "\r\n" };
    m.answers += what % 4 == 0 ? 3 : what % 4 < 3 || much % 4 < 3;
    if (what % 4 == 0) {
        buf_puts(&m.said, "RSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
        buf_clear(&m.body);
        m.is_open = true;
    } else if (what % 4 < 3)
        say_chunk(much, what % 4 == 1);
    else
        buf_puts(&m.said, others[much % 4]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_session *s = smtp_session_new(&limits, "gate", "192.0.2.7");
    m.is_open = m.answers = 0;
    buf_clear(&m.said);
    buf_clear(&m.wanted);
    for (size_t i = 1; i + 1 < size; i += 2)
        say(data[i], data[i + 1]);
    for (size_t at = 0, used, kept = 0; at < m.said.len; at += used) {
        size_t n = m.said.len - at;
        if (smtp_session_feed(s, m.said.data + at, n <= data[0] ? n : data[0] + 1U, &used) == SMTP_WANT_COMMIT) {
            const struct buf *b = smtp_session_body(s);
            if ((kept += b->len) > m.wanted.len || memcmp(buf_str(b), buf_str(&m.wanted) + kept - b->len, b->len) != 0)
                abort();
            smtp_session_committed(s, "01ID", NULL);
        }
        for (struct buf *out = smtp_session_out(s); out->len > 0; buf_consume(out, 1))
            m.answers -= out->data[0] == '\n';
        if (at + used == m.said.len && (kept != m.wanted.len || m.answers != 0))
            abort();
    }
    smtp_session_free(&s);
    return 0;
}
