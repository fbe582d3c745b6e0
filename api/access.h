/* access: the rules that every request meets before its handler does: our name, a token, its role, no foreign page. */
#pragma once
#include "api/context.h"

void access_headers(const struct api *a, const struct request *r, struct response *p); /* of every answer */
/* On loopback only names of ours are answered (DNS rebinding). false: *p says why. */
bool access_knows_host(struct api *a, const struct request *r, struct response *p);
struct access {
    enum role needs;
    bool      is_change; /* no page of another origin may, and JSON only  */
    bool      is_linked; /* a signed link does instead of a token          */
};
/* Fills r->role, r->who, r->is_trusted. false: *p says why not, and it is counted. */
bool access_allows(struct api *a, struct request *r, struct access access, struct response *p);
