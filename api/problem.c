/* problem: one table of titles, one of our error codes. */
#include "api/problem.h"
#include <stdarg.h>
#include <stdio.h>

static const struct {
    int         status;
    const char *title;
} titles[] = {
    { 400, "The request is wrong" },
    { 401, "A token is needed" },
    { 403, "Not from here" },
    { 404, "There is no such thing" },
    { 405, "Not with this method" },
    { 409, "Not in this state" },
    { 410, "No longer here" },
    { 413, "The request is too large" },
    { 414, "The address is too long" },
    { 416, "There are no such bytes" },
    { 421, "Not this host" },
    { 422, "The content is wrong" },
    { 429, "Not now" },
    { 500, "Our mistake" },
    { 502, "What the answer depends on failed" },
    { 503, "Not now" },
};

static const struct {
    enum err_code code;
    int           status;
} statuses[] = {
    { ERR_INPUT, 400 }, { ERR_NOT_FOUND, 404 }, { ERR_STATE, 409 }, { ERR_LIMIT, 429 }, { ERR_BUSY, 503 },
    { ERR_TIMEOUT, 503 }, { ERR_FULL, 503 }, { ERR_NOMEM, 503 }, { ERR_DAMAGED, 503 },
};

static const char *title_of(int status)
{
    for (size_t i = 0; i < COUNT(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

void problem_members(struct json_out *w, int status, const char *detail)
{
    json_s(w, "type", "about:blank");
    json_s(w, "title", title_of(status));
    json_i(w, "status", status);
    json_s(w, "detail", detail);
}

void problem(struct response *p, int status, const char *detail, ...)
{
    char    text[400];
    va_list args;
    va_start(args, detail);
    (void)vsnprintf(text, sizeof text, detail, args);
    va_end(args);

    p->status = status;
    p->type = "application/problem+json";
    buf_clear(&p->body);
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    problem_members(&w, status, text);
    json_end(&w);
    buf_putc(&p->body, '\n');
}

void problem_of(struct response *p, const struct err *e)
{
    for (size_t i = 0; i < COUNT(statuses); i++)
        if (statuses[i].code == e->code) {
            problem(p, statuses[i].status, "%s", e->text);
            return;
        }
    problem(p, 500, "%s", e->text);
}
