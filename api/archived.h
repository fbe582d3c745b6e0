/* archived: what the box itself cannot answer: other sites, what Store:KeepLocal leaves to the archive, events and pictures that are gone
 * here. The JSON is the same. A look may take seconds (FerretDB reads all it has), so such requests get threads of their own. */
#pragma once
#include "api/context.h"
#include "store/query.h"
#include "store/stats.h"

/* Whether this list is the archive's to answer: by its site, its cursor or its span. */
bool archived_is_asked(const struct api *a, const struct request *r);
/* The list as *p; what is wrong, too. */
void archived_list(struct api *a, const struct request *r, struct response *p);

/* The box's part of a list whose older part is the archive's: bounds the filter, fills the cursor that goes on there. false: it is
 * all the box's. */
enum { ARCHIVED_CURSOR = ID_TEXT + 1 };
bool archived_follows(const struct api *a, struct event_filter *f, const struct page *page, char cursor_out[ARCHIVED_CURSOR]);

/* Whether lists may have such a part at all. */
bool archived_has_part(const struct api *a);

/* What the archive says, or that it does not answer, as *p. */
void archived_complain(struct response *p, const struct err *e);

/* As list_is_known, of an answer that is made: its version is its content (next: of a list, or NULL), since nobody tells when another gateway
 * writes. The body is then to be thrown away. */
bool archived_is_known(const struct request *r, const char *next, struct response *p);

/* Adds the archive's events to the counts, those older than this id (NULL: all). One by one: ERR_INPUT when that takes too long. */
int archived_count(struct api *a, const struct event_filter *f, const char *beyond, struct stats *sum, struct err *e) MUST_CHECK;

/* An event that is not here: true, and *p is the answer (which may be that the archive is silent); false: it is not there either. */
bool archived_one(struct api *a, const char *id, struct response *p);

struct archived_file {
    char    hash[72], type[80];
    int64_t bytes;
};
/* A medium that is not here. 1 found, 0 not, -1: *e. And its bytes, in a file of their own: a descriptor, or -1. */
int archived_find(struct api *a, const char *event, int n, struct archived_file *out, struct err *e) MUST_CHECK;
int archived_open(struct api *a, const struct archived_file *file, struct err *e) MUST_CHECK;
