/* conf: the settings as a tree, merged from file and environment as .NET does it (Service__Recipients__0), before anybody
 * asks what they mean. Keys compare without regard to case. Immutable once read; lives as long as struct settings. */
#pragma once
#include "core/arena.h"
#include "core/err.h"
#include <stdbool.h>

enum conf_type { CONF_NULL, CONF_BOOL, CONF_NUMBER, CONF_TEXT, CONF_LIST, CONF_BLOCK };

struct conf {
    enum conf_type type;
    const char    *key;    /* "" in a list and at the root                               */
    const char    *path;   /* "Accounts:sms:Token", for messages                         */
    const char    *text;   /* scalars as written: "2025", "true", "abc"; NULL otherwise  */
    const char    *source; /* "file" or "environment Smtp__Port"                          */
    struct conf   *first, *next; /* children of list and block, in order; the next sibling */
};

/* NULL: no such child. path may go deeper: conf_at(root, "Service:ClickSend:Token"). */
const struct conf *conf_at(const struct conf *block, const char *path);
size_t conf_count(const struct conf *block); /* children; NULL has none */
/* The child of this key, made (CONF_NULL) at the end if there is none. NULL: the arena is full. */
struct conf       *conf_child(struct conf *parent, const char *key, struct arena *a);
const char        *conf_text(const struct conf *v, const char *fallback); /* scalars only */

/* The list of mistakes: `postern check` shows them all, `run` logs them and goes on with the rest. */
struct mistakes {
    struct arena *arena;
    struct mistake {
        const char *path, *text;
        bool        is_note; /* worth a line, not a mistake */
    } *items;
    size_t count, cap;
};
void mistake_add(struct mistakes *m, const char *path, const char *format, ...) PRINTF(3, 4);
void note_add(struct mistakes *m, const char *path, const char *format, ...) PRINTF(3, 4);
size_t mistakes_count(const struct mistakes *m); /* without notes */

/* A value still of the form <…>: a placeholder that nobody filled; a mistake in a part that is in use. */
bool conf_is_placeholder(const char *text);

/* Reads text (appsettings.json: UTF-8 BOM, // and block comments, trailing commas allowed) and lays environ over it. Only names
 * that begin with a block of ours are taken. text NULL: environment only. -1: not JSON (line and what), *out then the environment's. */
int conf_read(const char *text, size_t n, char *const *env, struct arena *a, struct mistakes *m, struct conf **out,
              struct err *e) MUST_CHECK;
