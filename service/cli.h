/* cli: what the listing commands share: times as people write them, columns, and following. */
#pragma once
#include "core/json.h"
#include "service/settings.h"
#include <stdio.h>

/* "90s" "30m" "2h" "7d" "2w" (ago); RFC 3339; "2026-11-21", "2026-11-21 03:12[:45]" (local time). -1: none of these. */
int cli_parse_time(const char *text, int64_t now_ms, int64_t *ms_out);

/* Foreign text for a terminal: at most width characters, padded to it unless it is the last column; control characters,
 * which could command the terminal, become blanks. NULL is "". */
void cli_column(struct buf *out, const char *text, size_t width, bool is_last);
void cli_time_column(struct buf *out, const char *rfc3339); /* local time to the second */

/* "[#####.....] 312/500  104/s  2 s left" over the terminal's last line; ms: how long it has taken so far. */
void cli_bar(int64_t done, int64_t total, int64_t eta_s, int64_t ms);

void cli_put_escaped(struct buf *out, const char *text); /* for an address: percent-encoded */

/* Takes the option at argv[*i], "--name value" or "--name=value", into query ("&name=value") if names has it (each followed by a blank) or
 * it is "--since T"; *i is then at its last word. 1 taken, 0 not one of these, -1: stderr says what is wrong with it. */
int cli_take_filter(const char *names, char **argv, int *i, struct buf *query);
enum { CLI_QUERY_BYTES = 3072 };
/* What events are filtered by on the command line. */
#define CLI_EVENT_FILTERS "kind severity device zone text until "

struct cli_view {
    const char *path;                                               /* "/api/v1/events" */
    const char *heading;
    void (*line)(struct buf *out, const struct json *item);         /* without line end */
    void (*key)(struct buf *out, const struct json *item);          /* what makes a row new: its id and what may change */
    const char *options;                                            /* names of query parameters, each followed by a blank */
};
/* Runs `postern NAME [--since T] [--limit N] [--follow] [--json]` and one option per name in view->options. Oldest first, as a
 * log is read. --json: one object per line. Returns the exit code. */
int cli_list(const struct settings *s, const struct cli_view *view, int argc, char **argv);
