/* search: filters as an expression of the index `search` (FTS5; what it holds: schema.c). It leads to the rows, in the order of seq; the
 * list's statement asks everything again but the words.
 *
 * What people type: words ("Tur" finds "Tür", case does not count), phrases in quotes, the beginning of a word with a star behind
 * (two letters at least: tür*). All must be there, in subject, text, zone, user or note, or in the device's name. Everything
 * else (brackets, AND, minus) is text like any other: no input is a mistake. */
#pragma once
#include "core/buf.h"
#include "store/db.h"
#include "store/query.h"

#define HAS_PICTURE(seq) "EXISTS(SELECT 1 FROM media WHERE event = " seq " AND type GLOB 'image/*' AND forgotten_ms IS NULL)"

enum { SEARCH_ALL, SEARCH_SOME, SEARCH_NOTHING };

/* Adds the expression to out. SEARCH_ALL: nothing of the filter is in the index, out stays empty; SEARCH_NOTHING: the text has
 * neither letter nor digit; or -1. */
int search_expression(struct db *d, const struct event_filter *f, struct buf *out, struct err *e) MUST_CHECK;

bool search_knows_kind(const char *kind); /* a kind or a family; NULL: no */
bool search_has_tags(const struct event_filter *f); /* filters other than text that the index knows */
