/* guard: who may ask. Pure.
 * - A token is needed unless the API is bound to loopback.
 * - On loopback the Host must be one of ours: a page in the operator's browser may reach us under a name of its own (DNS rebinding).
 * - What changes something must come as application/json and from no foreign page: a browser sends neither by itself. */
#pragma once
#include <stdbool.h>

bool guard_is_loopback(const char *address); /* "127.0.0.1", "::1"; not "" and not a name */

/* The token of an Authorization header ("Bearer TOKEN"), or NULL: there is none. */
const char *guard_bearer(const char *authorization);

/* Host header (NULL: none): localhost, 127.0.0.1, [::1], the bound address or PublicUrl's host; with or without a port. */
bool guard_is_our_host(const char *host, const char *bound_address, const char *public_url);

/* Origin header (NULL: none, no browser's page): the page we were asked as (Host), or PublicUrl. "null" is foreign. */
bool guard_is_our_origin(const char *origin, const char *host, const char *public_url);

/* Whether list (NULL ends; NULL: empty) names this origin, "https://app.example:8443", exactly. */
bool guard_is_listed_origin(const char *origin, const char *const *list);

bool guard_is_json(const char *content_type); /* application/json, with parameters or without */
