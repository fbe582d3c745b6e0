/* log: one line per fact on stderr, logfmt or JSON, the same keys everywhere:
 *   time=2026-11-21T03:12:45.123Z level=info at=mail.kept peer=192.168.1.20 bytes=812 id=01J…
 * Lines go into a ring that a thread of the caller's writes out (log_pump), so that a stalled reader of our
 * stderr stops nobody; lines lost that way are counted and said. Without a pump each line is written at once.
 * Foreign text is quoted and escaped. Any thread. core, parsers, store and providers return errors; net, api and
 * service log. error: somebody should act; warn: we coped; info: one line per conversation, event, delivery. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
    const char *key;
    const char *text;   /* NULL: the number; both NULL text and is_text: the field is left out */
    int64_t     number;
    bool        is_text;
};
#define LOG_S(name, value) { .key = (name), .text = (value), .is_text = true } /* NULL: left out */
#define LOG_I(name, value) { .key = (name), .number = (int64_t)(value) }

/* log_line(LOG_INFO, "mail.kept", LOG_S("peer", peer), LOG_I("bytes", n)); every call names at least one field. */
#define log_line(level, at, ...)                                                                        \
    do {                                                                                                \
        if ((level) <= log_level())                                                                     \
            log_write((level), (at), (const struct log_field[]){ __VA_ARGS__, { .key = (void *)0 } });  \
    } while (0)

void           log_setup(enum log_level level, enum log_format format);
enum log_level log_level(void);
void           log_write(enum log_level level, const char *at, const struct log_field *fields); /* ends with key NULL */

/* The logger thread's body: writes the ring until log_stop(), then empties it, for two seconds at most. */
void *log_pump(void *unused);
void  log_stop(void);
