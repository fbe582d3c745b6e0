/* draft: a text while it is being fitted: what is left out so far, and the pieces that texts are put together from. Inside the
 * wording only (text.c, text_line.c, text_fold.c). */
#pragma once
#include "service/text.h"

enum { LINE_MAX = 16 * 1024, NAME_MIN = 4, ITEMS_MAX = 64 };

enum date { DATE_FULL, DATE_TIME, DATE_NONE };

/* What of a text is left out so far; each step of squeeze() takes a little more. */
struct draft {
    const struct text_style *style;
    const struct text_input *in;
    struct buf              *out;
    size_t                   site_max, name_max; /* characters; name_max 0: zones by their numbers alone */
    enum date                date;
    size_t                   item_max; /* of a folded message */
};

const char   *draft_word(const struct draft *d, const char *key);
bool          draft_has(const char *s); /* neither NULL nor "" */
bool          draft_is_drill(const struct event_origin *o);
bool          draft_is_camera(const struct event *ev);
bool          draft_speaks_for_itself(const struct event *ev); /* its own text says more than its kind */
const char   *draft_channel(const struct event *ev);           /* which of a recorder's cameras it was, where that has no name; else NULL */
enum severity draft_severity(const struct text_input *in); /* of the worst */
int64_t       draft_time(const struct event *ev, const struct event_origin *o);

void draft_start(struct buf *out, const char *s, size_t max); /* its first characters, ".." where it was cut */
void draft_one_line(struct buf *out, const char *text);        /* runs of blanks and line ends become one blank */
void draft_kind(struct draft *d, const struct event *ev);      /* its word; where that says nothing, the device's own behind it */
void draft_channel_of(struct draft *d, const struct event *ev, const char *before); /* before, "channel D2"; nothing where there is none */
void draft_name(struct draft *d, const char *name);            /* "Gästezimmer" in 8 characters: "Gäs..mer"   */

/* "ALARM Ferienhaus: "; note stands behind the site. head is a word's key; NULL: a plain status, which has none. */
void        draft_head(struct draft *d, const char *head, const char *note);
const char *draft_head_of(const struct event *ev, const struct event_origin *o);
const char *draft_common_head(const struct text_input *in); /* that all share; else what the worst of them deserves */

void draft_single(struct draft *d); /* the line of one event     */
void draft_folded(struct draft *d); /* the line of several       */
/* Indexes of the events that say something new, in order; those beyond ITEMS_MAX count as not named. Returns how many. */
size_t draft_items(const struct text_input *in, size_t items[ITEMS_MAX]);
