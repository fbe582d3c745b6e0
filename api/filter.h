/* filter: the history's filters as a query string says them; the list, the exports and the marks take the same ones. */
#pragma once
#include "api/http.h"
#include "store/query.h"

#define EVENTS_FILTER "kind severity device zone since until text " /* names for the route table */

/* 0, or -1: ERR_INPUT says which parameter is wrong. Strings are the request's. */
int events_filter(const struct request *r, struct event_filter *f, struct err *e) MUST_CHECK;
