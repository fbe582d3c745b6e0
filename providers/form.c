/* form: parts between boundaries. */
#include "providers/form.h"

static void put_head(struct form *f, const char *name)
{
    buf_printf(f->out, "--%s\r\nContent-Disposition: form-data; name=\"%s\"", f->boundary, name);
}

void form_text(struct form *f, const char *name, const char *text)
{
    put_head(f, name);
    buf_printf(f->out, "\r\n\r\n%s\r\n", text);
}

void form_file(struct form *f, const char *name, const char *file_name, const char *type, const void *bytes, size_t length)
{
    put_head(f, name);
    buf_printf(f->out, "; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n", file_name, type);
    buf_put(f->out, bytes, length);
    buf_puts(f->out, "\r\n");
}

void form_end(struct form *f)
{
    buf_printf(f->out, "--%s--\r\n", f->boundary);
}
