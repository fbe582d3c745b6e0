/* devices_heard: whose a conversation was, and the last of each until they are written. */
#include "core/clock.h"
#include "net/transcript.h"
#include "service/devices_inside.h"
#include "store/transcripts.h"
#include <stdlib.h>
#include <string.h>

enum { PENDING_BYTES = 16 * 1024 /* of one */ };

static bool is_any(const struct entry *one)
{
    (void)one;
    return true;
}

/* With the lock. Whose conversation it was: a device we know, or one whose mail was kept (it is about to be known), else who was
 * last heard from there, else a stranger. */
static const char *speaker(struct devices *d, const struct transcript *t, const char *drawn)
{
    const struct envelope *env = transcript_envelope(t);
    if (entry_find(d, drawn) || transcript_mails(t) > 0)
        return drawn;
    const struct entry *one = devices_hide(d, env->peer) ? NULL : entry_last_at(d, env->peer, is_any);
    return one ? one->id : TRANSCRIPTS_OF_STRANGERS;
}

static void drop_pending(struct devices *d, size_t i)
{
    free(d->pending[i].body);
    memmove(&d->pending[i], &d->pending[i + 1], (--d->pending_count - i) * sizeof d->pending[0]);
}

/* With the lock. Room for one more of this device: its own oldest goes where it has enough, else the oldest of all. */
static void make_room(struct devices *d, const char *id)
{
    size_t of_it = 0, oldest = 0;
    for (size_t i = d->pending_count; i-- > 0;)
        if (strcmp(d->pending[i].id, id) == 0) {
            of_it++;
            oldest = i;
        }
    if (of_it >= TRANSCRIPTS_KEPT)
        drop_pending(d, oldest);
    else if (d->pending_count == PENDING_MAX)
        drop_pending(d, 0);
}

static char *body_of(const struct transcript *t)
{
    CLEANUP(buf_done) struct buf body;
    buf_init(&body, PENDING_BYTES);
    struct json_out w = json_begin(&body);
    json_object(&w, NULL);
    transcript_write(&w, t);
    json_end(&w);
    return body.failed ? NULL : buf_take(&body);
}

/* What went wrong in it; NULL: nothing that we know. */
static const char *complaint_of(const struct transcript *t)
{
    const char *refusal = transcript_last_refusal(t);
    if (refusal || !transcript_is_broken_off(t))
        return refusal;
    return "it broke off in the middle of a mail: a false end of it, or a broken link; the mail is lost";
}

void devices_spoke(struct devices *d, const struct transcript *t)
{
    const struct envelope *env = transcript_envelope(t);
    const char            *complaint = complaint_of(t);
    char                   drawn[DEVICE_TEXT_MAX + 1];
    char                  *body = body_of(t);
    if (!body)
        return;
    devices_draw_id(d, env, drawn);
    (void)pthread_mutex_lock(&d->lock);
    const char *id = speaker(d, t, drawn);
    make_room(d, id);
    struct conversation *c = &d->pending[d->pending_count++];
    *c = (struct conversation){ .at_ms = transcript_started_ms(t), .body = body };
    entry_set_text(c->id, DEVICE_TEXT_MAX, id);
    entry_set_text(c->peer, ADDRESS_BYTES - 1, env->peer);
    struct entry *one = complaint ? entry_find(d, id) : NULL;
    if (one)
        entry_note_error(one, clock_wall_ms(), complaint);
    (void)pthread_mutex_unlock(&d->lock);
    devices_write_soon(d); /* it then goes with the commit of the mail's events or of its verdicts */
}
