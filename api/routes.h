/* routes: which handler answers what, and under which rules. */
#pragma once
#include "api/context.h"

bool routes_admit(struct api *a, struct request *r, struct response *p);
void routes_answer(struct api *a, struct request *r, struct response *p);
