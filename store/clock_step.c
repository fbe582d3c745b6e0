/* clock_step: one note and one list of statements. */
#include "store/clock_step.h"
#include "core/attr.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/notes.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOOT_BYTES = 40, NOTE_BYTES = 400, TABLES = 6, LATE_MS = 5000, EARLY_MS = 1000 };
static const char note_name[] = "clock_doubt";

/* The tables that have a seq, in the note's order. */
enum table { ARRIVALS, EVENTS, DELIVERIES, MESSAGES, TRANSCRIPTS, AUDIT };
static const char *const seq_sql[TABLES] = {
    [ARRIVALS] = "SELECT max(seq) FROM arrivals",     [EVENTS] = "SELECT max(seq) FROM events",
    [DELIVERIES] = "SELECT max(seq) FROM deliveries", [MESSAGES] = "SELECT max(seq) FROM messages",
    [TRANSCRIPTS] = "SELECT max(seq) FROM transcripts", [AUDIT] = "SELECT max(seq) FROM audit",
};

struct note {
    char    boot[BOOT_BYTES];
    int64_t base_ms;  /* wall clock less running time, as it was thought */
    int64_t begin_ms; /* wall clock, when the doubt began                */
    int64_t seqs[TABLES];
};

/* --- the note ----------------------------------------------------------------------------------------------------------- */

static int note_write(struct store_tx *tx, const struct note *n, struct err *e)
{
    char   text[NOTE_BYTES];
    size_t at = (size_t)snprintf(text, sizeof text, "%s %" PRId64 " %" PRId64, n->boot, n->base_ms, n->begin_ms);
    for (size_t i = 0; i < TABLES; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, " %" PRId64, n->seqs[i]);
    return tx_note(tx, note_name, text, e);
}

/* The next number of the text; false: there is none. */
static bool take_number(char **at, int64_t *out)
{
    char *end;
    *out = strtoll(*at, &end, 10);
    bool is_number = end != *at;
    *at = end;
    return is_number;
}

static bool note_parse(char *text, struct note *out)
{
    char *at = strchr(text, ' ');
    if (!at || (size_t)(at - text) >= sizeof out->boot)
        return false;
    *out = (struct note){ 0 };
    memcpy(out->boot, text, (size_t)(at - text));
    bool is_whole = take_number(&at, &out->base_ms) && take_number(&at, &out->begin_ms);
    for (size_t i = 0; i < TABLES; i++)
        is_whole = is_whole && take_number(&at, &out->seqs[i]);
    return is_whole;
}

/* 1: there is one of this boot; 0; -1. */
static int note_of_boot(struct store_tx *tx, const char *boot, struct note *out, struct err *e)
{
    char text[NOTE_BYTES];
    int  found = note_of(tx_db(tx), note_name, text, sizeof text, e);
    return found <= 0 ? found : note_parse(text, out) && boot[0] && strcmp(out->boot, boot) == 0;
}

static int note_now(struct store_tx *tx, const struct clock_now *now, struct err *e)
{
    struct note n = { .base_ms = now->wall_ms - now->mono_ms, .begin_ms = now->wall_ms };
    (void)snprintf(n.boot, sizeof n.boot, "%s", now->boot);
    for (size_t i = 0; i < TABLES; i++)
        if (db_number(tx_db(tx), seq_sql[i], 0, &n.seqs[i], e) < 0)
            return -1;
    return note_write(tx, &n, e);
}

/* --- the correction ------------------------------------------------------------------------------------------------------ */

/* A time of the clock as it stood before. Rows that came between the step and this transaction have the right one already: it is nearer to
 * now. ?1 the step, ?2 the highest seq before the doubt, ?3 half way from the old now to the new one, ?4 a little before now, ?5 when the
 * doubt began, as it was thought. */
#define WRONG(t) " ?2 < seq AND ?5 <= " t " AND iif(?1 > 0, " t " < ?3, " t " > ?3 OR " t " < ?4)"
#define LATER(t) t " = " t " + ?1"
static const struct {
    enum table  table;
    const char *sql;
    bool        is_counted;
} corrections[] = {
    { EVENTS, "UPDATE events SET clock = 2, " LATER("received_ms") " WHERE" WRONG("received_ms")
              " AND coalesce((SELECT source IS NULL FROM arrivals WHERE arrivals.seq = events.arrival), 1)", true },
    { ARRIVALS, "UPDATE arrivals SET " LATER("received_ms") " WHERE source IS NULL AND" WRONG("received_ms"), true },
    { DELIVERIES, "UPDATE deliveries SET " LATER("created_ms") " WHERE" WRONG("created_ms"), false },
    { DELIVERIES, "UPDATE deliveries SET " LATER("sent_ms") " WHERE" WRONG("sent_ms"), false },
    { MESSAGES, "UPDATE messages SET " LATER("created_ms") " WHERE" WRONG("created_ms"), false },
    { MESSAGES, "UPDATE messages SET " LATER("ended_ms") " WHERE" WRONG("ended_ms"), false },
    { TRANSCRIPTS, "UPDATE transcripts SET " LATER("at_ms") " WHERE" WRONG("at_ms"), false },
    { AUDIT, "UPDATE audit SET " LATER("at_ms") " WHERE" WRONG("at_ms"), false },
    /* A device has no seq: by the time alone. */
    { ARRIVALS, "WITH d(seq) AS (VALUES(?2 + 1)) UPDATE devices SET " LATER("first_seen_ms") " FROM d WHERE" WRONG("first_seen_ms"), false },
    { ARRIVALS, "WITH d(seq) AS (VALUES(?2 + 1)) UPDATE devices SET " LATER("last_seen_ms") " FROM d WHERE" WRONG("last_seen_ms"), false },
};

struct correction {
    struct store_op         op;
    const struct clock_now *now;
    struct clock_stepped    out;
    bool                    is_done;
};

static int correct_one(struct store_tx *tx, size_t i, const struct note *n, struct correction *c, struct err *e)
{
    int64_t before_ms = n->base_ms + c->now->mono_ms, step = c->out.step_ms;
    if (db_run(tx_db(tx), e, corrections[i].sql,
               P(step), P(n->seqs[corrections[i].table]), P(before_ms + step / 2), P(c->now->wall_ms - LATE_MS),
               P(n->begin_ms - EARLY_MS)) < 0)
        return -1;
    if (corrections[i].is_counted)
        *(corrections[i].table == EVENTS ? &c->out.events : &c->out.arrivals) = db_changes(tx_db(tx));
    return 0;
}

/* From when on mails are to be read again. */
static int find_since(struct store_tx *tx, const struct note *n, int64_t *out, struct err *e)
{
    return db_number_of(tx_db(tx), "SELECT min(received_ms) FROM arrivals WHERE seq > ? AND source IS NULL", 0, out, e, P(n->seqs[ARRIVALS]));
}

static int correct_all(struct store_tx *tx, const struct note *n, struct correction *c, struct err *e)
{
    for (size_t i = 0; i < COUNT(corrections); i++)
        if (correct_one(tx, i, n, c, e) < 0)
            return -1;
    char                     detail[100];
    const struct audit_entry entry = { .who = "postern", .what = "clock.set", .detail = detail };
    (void)snprintf(detail, sizeof detail, "{\"step_s\":%" PRId64 ",\"events\":%" PRId64 "}", c->out.step_ms / 1000, c->out.events);
    if (find_since(tx, n, &c->out.since_ms, e) < 0 || tx_audit(tx, c->now->wall_ms, &entry, e) < 0)
        return -1;
    return note_now(tx, c->now, e); /* the same step is not made twice */
}

static int correct_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct correction *c = (struct correction *)op;
    struct note        n;
    int                found = note_of_boot(tx, c->now->boot, &n, e);
    c->out = (struct clock_stepped){ .step_ms = found > 0 ? c->now->wall_ms - c->now->mono_ms - n.base_ms : 0 };
    c->is_done = llabs(c->out.step_ms) >= CLOCK_STEP_LEAST_MS;
    return found < 0 ? -1 : c->is_done ? correct_all(tx, &n, c, e) : 0;
}

int clock_doubt_correct(struct store *s, const struct clock_now *now, struct clock_stepped *out, struct err *e)
{
    struct correction c = { .op = { .rank = STORE_EVENT, .apply = correct_apply }, .now = now };
    if (store_do(s, &c.op, e) < 0)
        return -1;
    *out = c.out;
    return c.is_done;
}

/* --- begin and end ---------------------------------------------------------------------------------------------------------- */

static int begin_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct correction *c = (struct correction *)op;
    struct note              n;
    int                      found = note_of_boot(tx, c->now->boot, &n, e);
    return found == 0 ? note_now(tx, c->now, e) : found < 0 ? -1 : 0;
}

int clock_doubt_begin(struct store *s, const struct clock_now *now, struct err *e)
{
    struct correction c = { .op = { .rank = STORE_EVENT, .apply = begin_apply }, .now = now };
    return store_do(s, &c.op, e);
}

static int end_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    (void)op;
    return tx_note(tx, note_name, NULL, e);
}

int clock_doubt_end(struct store *s, struct err *e)
{
    struct store_op op = { .rank = STORE_EVENT, .apply = end_apply };
    return store_do(s, &op, e);
}

bool clock_doubt_is_noted(struct store *s)
{
    struct store_reader *r = NULL;
    struct err           e;
    char                 text[NOTE_BYTES];
    bool is_noted = store_reader_open(s, &r, &e) == 0 && note_read(r, note_name, text, sizeof text, &e) > 0;
    store_reader_close(&r);
    return is_noted;
}
