/* cors: pages of other origins, as far as Api:CorsOrigins names them: they need a token, and may then do what its role may. */
#pragma once
#include "api/context.h"

bool cors_is_named(const struct api *a, const struct request *r); /* the page that asks */
/* Says in *p that such a page may read the answer; true: the request was only the browser's question whether it may be sent. */
bool cors_answers(const struct api *a, const struct request *r, struct response *p);
