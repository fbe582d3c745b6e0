/* routes: which handler answers what, and under which rules. */
#pragma once
#include "api/context.h"

bool routes_admit(struct api *a, struct request *r, struct response *p);
/* While there is no database: /livez and /readyz, nothing else. */
bool routes_admit_waiting(struct api *a, struct request *r, struct response *p);
void routes_answer(struct api *a, struct request *r, struct response *p);

/* The whole table, for whoever compares it with something: pattern and query as in routes.c. */
typedef void route_visitor(void *user, const char *method, const char *pattern, enum role needs, const char *query);
void routes_each(route_visitor *visit, void *user);
