/* inspect_ask: an arrival as a question to a running postern-inspect: who sent it as far as we know, and its bytes. */
#pragma once
#include "service/inspect_process.h"

/* 1: asked; 0: the process was gone, the same to a new one may succeed; -1: the raw mail cannot be had (ERR_NOT_FOUND: it is gone). */
int inspect_ask(struct inspect_process *p, const struct inspector_options *o, struct store_reader *r, const struct arrival_row *row,
                struct err *e) MUST_CHECK;
/* The same of one that is not kept yet: row->bytes bytes at raw. 1 and 0 as above; -1: ERR_IO. */
int inspect_ask_bytes(struct inspect_process *p, const struct inspector_options *o, const struct arrival_row *row, const char *raw,
                      struct err *e) MUST_CHECK;
/* How long its answer may take. */
int64_t inspect_deadline_ms(const struct inspector_options *o, int64_t bytes);
