/* form: multipart/form-data (RFC 7578), for uploads. Names of parts and files are ours, never a mail's. */
#pragma once
#include "core/buf.h"

struct form {
    struct buf *out;
    const char *boundary; /* must not occur in what is sent: a ULID does not */
};
void form_text(struct form *f, const char *name, const char *text);
void form_file(struct form *f, const char *name, const char *file_name, const char *type, const void *bytes, size_t length);
void form_end(struct form *f);
