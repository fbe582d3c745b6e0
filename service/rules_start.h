/* rules_start: at the gateway's start the owner's rules are verified as `postern check` does it, beside the loop: a mail must not wait
 * for that. */
#pragma once
#include "service/settings.h"
#include <uv.h>

/* What is wrong goes into the log and /health. program and s must outlive the loop. */
void rules_start(uv_loop_t *loop, const struct settings *s, const char *program);
