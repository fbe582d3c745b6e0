/* import_row: one row of another system on its way to become an arrival; and the sources that give rows. */
#pragma once
#include "core/buf.h"
#include "core/id.h"
#include "service/import_job.h"

enum { IMPORT_MAIL_MAX = 64 << 20, IMPORT_KEY_MAX = 64 << 20, IMPORT_WHERE = 200, IMPORT_ADDRESS = 256 };

struct import_row {
    int64_t     time_ms; /* when the other system got it */
    struct buf  raw;     /* the mail, byte for byte, or a mail that says what the row says */
    struct buf  key;     /* what makes it this row; empty: the mail itself */
    char        from[IMPORT_ADDRESS], to[IMPORT_ADDRESS]; /* "" = not known */
    char        saw_person[ID_TEXT]; /* the arrival whose events show a person; "" = none */
    char        where[IMPORT_WHERE]; /* for complaints: file and place */
};
void import_row_init(struct import_row *row);
void import_row_clear(struct import_row *row);
void import_row_done(struct import_row *row);

/* Its id: its time, and a hash of source and key: the same row has the same id whenever it is brought along. */
int import_row_id(const struct import_row *row, const char *source, char out[ID_TEXT], struct err *e) MUST_CHECK;

/* Whether a time may be one of a row: not before 1990, not more than a day from now. */
bool import_time_is_possible(int64_t time_ms);

/* Adds "Name: value" and a line end; the value's control characters become blanks, what is not ASCII is an encoded word. */
void import_put_header(struct buf *raw, const char *name, const char *value);
/* Adds a text of one or more lines as a mail's body, with its Content headers: the last headers. */
void import_put_text(struct buf *raw, const char *text, size_t n);

/* A list with room for one item more: the block itself, or a larger one instead of it (*cap grows). NULL: it would have more than `most`,
 * or there is no memory; the block stays. */
void *import_list_room(void *items, size_t count, size_t *cap, size_t item_bytes, size_t most) MUST_CHECK;

struct import_source {
    const char *name; /* as arrivals.source keeps it */
    int (*open)(const struct import_job *job, void **out, int64_t *total_out, struct err *e);
    /* The next row into a cleared one: 1; 0: the end; -1: ERR_INPUT, this row is none, see e, go on; else nothing more can be read. */
    int (*next)(void *state, struct import_row *row, struct err *e);
    void (*close)(void *state);
};
extern const struct import_source import_eml, import_lupuserv_postgres, import_lupuserv_mongo, import_cams;
