/* filter: the history's filters as a query string says them; the list, the exports, the counts and the marks take the same ones. */
#pragma once
#include "api/context.h"
#include "store/query.h"

/* Names for the route table. */
#define EVENTS_FILTER "site kind severity device zone user person acknowledged kept has_picture since until text "

/* 0, or -1: ERR_INPUT says which parameter is wrong. Strings are the request's. site is set only if it is not our own. */
int events_filter(const struct api *a, const struct request *r, struct event_filter *f, struct err *e) MUST_CHECK;
