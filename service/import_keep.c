/* import_keep: arrivals, their events and their state in one transaction; larger ones as files that are synced before it. */
#include "service/import_keep.h"
#include "core/fault.h"
#include "store/imports.h"
#include <stdlib.h>
#include <string.h>

enum { ENTRY_SPARE = 4 * 1024 * 1024 }; /* for events and envelope, beside the bytes */

struct import_entry *import_entry_new(const struct import_row *row, const char *id, const char *envelope)
{
    struct import_entry *one = calloc(1, sizeof *one);
    if (!one)
        return NULL;
    arena_init(&one->arena, row->raw.len + ENTRY_SPARE);
    one->events.arena = &one->arena;
    one->arrival = (struct arrival){ .received_ms = row->time_ms, .bytes = (int64_t)row->raw.len };
    memcpy(one->arrival.id, id, ID_TEXT);
    memcpy(one->saw_person, row->saw_person, sizeof one->saw_person);
    one->arrival.data = arena_copy(&one->arena, buf_str(&row->raw), row->raw.len);
    one->arrival.envelope = arena_str(&one->arena, envelope);
    if (!one->arrival.data || !one->arrival.envelope)
        import_entry_free(&one);
    return one;
}

void import_entry_free(struct import_entry **entry)
{
    struct import_entry *one = TAKE(*entry);
    if (!one)
        return;
    import_kept(&one->arrival, false);
    arena_done(&one->arena);
    free(one);
}

/* --- the transaction -------------------------------------------------------------------------------------------- */

struct flush {
    struct store_op      op;
    struct import_batch *batch;
};

static int keep_events(struct store_tx *tx, const struct import_batch *b, struct import_entry *one, struct err *e)
{
    struct event_origin origin = {
        .site = b->site, .arrival = one->arrival.id, .parser = one->answer.parser, .received_ms = one->arrival.received_ms,
    };
    int64_t seqs[EVENTS_MAX];
    bool    is_new[EVENTS_MAX];
    if (tx_events(tx, one->arrival.seq, &origin, &one->events, seqs, is_new, e) < 0)
        return -1;
    return tx_arrival_state(tx, one->arrival.seq, one->state, one->answer.parser, one->answer.subject, e);
}

static int keep(struct store_tx *tx, const struct import_batch *b, struct import_entry *one, struct err *e)
{
    int is_new = tx_import(tx, &one->arrival, b->source, e);
    if (is_new < 0 || (is_new > 0 && keep_events(tx, b, one, e) < 0))
        return -1;
    int persons = is_new > 0 && one->saw_person[0] ? tx_saw_person(tx, one->saw_person, e) : 0;
    one->is_new = is_new > 0;
    one->new_persons = persons;
    return persons < 0 ? -1 : 0;
}

static int apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct import_batch *b = ((struct flush *)(void *)op)->batch;
    for (size_t i = 0; i < b->count; i++)
        if (keep(tx, b, b->entries[i], e) < 0)
            return -1;
    return 0;
}

static void count_entry(struct import_batch *b, struct import_entry *one)
{
    b->kept += one->is_new;
    b->already += !one->is_new;
    b->events += one->is_new ? (int64_t)one->events.count : 0;
    b->persons += one->new_persons;
    if (one->is_new)
        import_kept(&one->arrival, true);
}

int import_batch_flush(struct import_batch *b, struct err *e)
{
    if (b->count == 0)
        return 0;
    struct flush f = { .op = { .rank = STORE_EVENT, .apply = apply }, .batch = b };
    int          result = store_do(b->store, &f.op, e);
    for (size_t i = 0; i < b->count; i++) {
        if (result == 0)
            count_entry(b, b->entries[i]);
        import_entry_free(&b->entries[i]);
    }
    b->count = 0;
    b->bytes = 0;
    if (result == 0)
        FAULT("import.kept");
    return result;
}

/* What is not small lies in a file, as if a device had sent it. */
static int spill(struct import_batch *b, struct arrival *a, struct err *e)
{
    if (a->bytes <= store_small_max(b->store))
        return 0;
    imports_forget_file(b->store, a->id, a->received_ms);
    if (spool_open(b->store, a->id, a->received_ms, &a->spool, e) < 0 || spool_write(a->spool, a->data, (size_t)a->bytes, e) < 0 ||
        spool_sync(a->spool, e) < 0)
        return -1;
    a->data = NULL;
    return 0;
}

int import_batch_add(struct import_batch *b, struct import_entry *entry, struct err *e)
{
    if (spill(b, &entry->arrival, e) < 0) {
        import_entry_free(&entry);
        return -1;
    }
    b->entries[b->count++] = entry;
    b->bytes += entry->arrival.bytes;
    /* a file has its arrival's name: the same mail once more must find the row */
    bool is_full = b->count == IMPORT_BATCH || b->bytes >= IMPORT_BATCH_BYTES || entry->arrival.spool;
    return is_full ? import_batch_flush(b, e) : 0;
}

void import_batch_done(struct import_batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        import_entry_free(&b->entries[i]);
    b->count = 0;
}
