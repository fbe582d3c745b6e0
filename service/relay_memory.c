/* relay_memory: what the relay must still know after a restart: which refusals were told (or an end would be told of what nobody
 * heard, and a refusal twice), where a chat moved to, and what each address heard last (ClickSend swallows equal texts). */
#include "core/log.h"
#include "service/relay_inside.h"
#include "store/notes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- refusals ----------------------------------------------------------------------------------------------- */

static size_t line_length(const char *reason)
{
    return strcspn(reason, "\n");
}

bool refusals_have(const struct refusals *f, const char *reason)
{
    size_t n = line_length(reason), used = strlen(f->reasons);
    for (const char *line = f->reasons; *line; line += line_length(line) + 1)
        if (line_length(line) == n && strncmp(line, reason, n) == 0)
            return true;
    return used + n + 2 > sizeof f->reasons;
}

void refusals_add(struct refusals *f, const char *reason)
{
    if (refusals_have(f, reason))
        return;
    size_t used = strlen(f->reasons);
    (void)snprintf(f->reasons + used, sizeof f->reasons - used, "%.*s\n", (int)line_length(reason), reason);
    f->is_changed = true;
}

void refusals_clear(struct refusals *f)
{
    f->is_changed = f->reasons[0] != '\0';
    f->reasons[0] = '\0';
}

bool refusals_are_told(const struct refusals *f)
{
    return f->reasons[0] != '\0';
}

/* --- onto the disk ------------------------------------------------------------------------------------------ */

enum { NAME_MAX_BYTES = 600 };

struct note {
    struct relay_op o;
    char            name[NAME_MAX_BYTES], value[sizeof((struct refusals *)0)->reasons]; /* "": forgotten */
};

/* address NULL: of the whole account. */
static void name_note(char out[NAME_MAX_BYTES], const char *what, const struct account *a, const char *address)
{
    (void)snprintf(out, NAME_MAX_BYTES, "%s/%s%s%s", what, a->name, address ? "/" : "", address ? address : "");
}

static int note_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct note *n = (struct note *)op;
    return tx_note(tx, n->name, n->value[0] ? n->value : NULL, e);
}

/* What is not kept costs one text too many after the next start. */
static void note_after(struct relay_op *o, const struct err *failed)
{
    if (failed)
        log_line(LOG_WARN, "note.not_kept", LOG_S("text", failed->text));
    free(o);
}

static void keep(struct relay *r, const char *what, const struct account *a, const char *address, const char *value)
{
    struct note *n = calloc(1, sizeof *n);
    if (!n)
        return;
    name_note(n->name, what, a, address);
    (void)snprintf(n->value, sizeof n->value, "%s", value);
    n->o = (struct relay_op){ .op = { .rank = STORE_LATER, .apply = note_apply }, .after = note_after };
    relay_submit(r, &n->o);
}

static void keep_refusals(struct relay *r, struct refusals *f, const struct account *a, const char *address)
{
    if (!f->is_changed)
        return;
    f->is_changed = false;
    keep(r, "refused", a, address, f->reasons);
}

void relay_note_refusals(struct relay *r)
{
    for (size_t i = 0; i < r->options.people->account_count; i++)
        keep_refusals(r, &r->accounts[i].refusals, r->accounts[i].account, NULL);
    for (struct station *s = r->stations; s; s = s->next)
        keep_refusals(r, &s->refusals, s->account, s->address);
}

void relay_note_move(struct relay *r, const struct station *s)
{
    keep(r, "moved", s->account, s->address, s->moved_to);
}

/* --- and back ----------------------------------------------------------------------------------------------- */

static void remember_text(void *user, const char *account, const char *address, const char *text)
{
    struct relay *r = user;
    for (struct station *s = r->stations; s; s = s->next)
        if (!s->last_text && strcmp(s->account->name, account) == 0 && strcmp(s->address, address) == 0)
            s->last_text = strdup(text);
}

static int recall(struct relay *r, const char *what, const struct account *a, const char *address, char *out, size_t size,
                  struct err *e)
{
    char name[NAME_MAX_BYTES];
    name_note(name, what, a, address);
    return note_read(r->reader, name, out, size, e) < 0 ? -1 : 0;
}

int relay_remember(struct relay *r, struct err *e)
{
    int result = outbox_last_texts(r->reader, remember_text, r, e);
    for (size_t i = 0; i < r->options.people->account_count && result == 0; i++) {
        struct refusals *f = &r->accounts[i].refusals;
        result = recall(r, "refused", r->accounts[i].account, NULL, f->reasons, sizeof f->reasons, e);
    }
    for (struct station *s = r->stations; s && result == 0; s = s->next) {
        result = recall(r, "refused", s->account, s->address, s->refusals.reasons, sizeof s->refusals.reasons, e);
        if (result == 0)
            result = recall(r, "moved", s->account, s->address, s->moved_to, sizeof s->moved_to, e);
    }
    return result;
}
