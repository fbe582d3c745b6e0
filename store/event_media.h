/* event_media: an event's media as their rows know them, and the bytes of one. */
#pragma once
#include "store/db.h"
#include "store/media.h"
#include "store/store.h"

/* Those of an event, at most `max` (-1: all), in their order into ev->media; strings in the arena. 0, or -1. */
int event_media_read(struct db *d, int64_t event_seq, int max, struct event *ev, struct arena *a, struct err *e) MUST_CHECK;

/* One and where it lies. 1 found, 0 no such event or medium, -1. Strings in the arena. */
int event_media_find(struct store_reader *r, const char *event_id, int n, struct media *out, char arrival_id_out[ID_TEXT],
                     int64_t *arrival_seq_out, struct arena *a, struct err *e) MUST_CHECK;

enum { MEDIA_TYPE = 80 };
/* Its decoded bytes, the caller's to close; NULL: they are no longer here. type_out: its Content-Type, cut; may be NULL. */
struct media_stream *event_media_open(struct store_reader *r, const char *event_id, int n, char type_out[MEDIA_TYPE]);
