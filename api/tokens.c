/* tokens: GET and POST /api/v1/tokens, DELETE /api/v1/tokens/{id}. */
#include "api/context.h"
#include "core/clock.h"
#include "core/utf8.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_members(struct json_out *w, const struct token_row *t)
{
    json_s(w, "id", t->id);
    json_s(w, "name", t->name);
    json_s(w, "role", role_name(t->role));
    if (t->created_ms)
        json_time(w, "created_at", t->created_ms);
    if (t->expires_ms)
        json_time(w, "expires_at", t->expires_ms);
    if (t->last_used_ms)
        json_time(w, "last_used_at", t->last_used_ms);
}

/* The gateway's own as one of the list: "by" says where it stands. */
static void write_own(struct api *a, struct json_out *w)
{
    bool is_chosen;
    if (!keyring_has_own(a->keyring, &is_chosen))
        return;
    json_object(w, NULL);
    write_members(w, &(struct token_row){ .id = KEYRING_OWN, .name = KEYRING_OWN, .role = ROLE_ADMIN });
    json_s(w, "by", is_chosen ? "settings" : "file");
    json_end(w);
}

void tokens_list(struct api *a, const struct request *r, struct response *p)
{
    (void)r;
    struct token_row *rows = calloc(TOKENS_MAX, sizeof *rows);
    if (!rows) {
        problem(p, 503, "out of memory");
        return;
    }
    size_t          count = keyring_list(a->keyring, rows);
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    json_array(&w, "items");
    write_own(a, &w);
    for (size_t i = 0; i < count; i++) {
        json_object(&w, NULL);
        write_members(&w, &rows[i]);
        json_end(&w);
    }
    json_end(&w);
    json_null(&w, "next");
    json_end(&w);
    response_json(p);
    free(rows);
}

/* --- a new one ------------------------------------------------------------------------------------------------ */

static bool is_name(const char *s)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
            return false;
    return n > 0 && n < TOKEN_NAME_BYTES && utf8_is_valid(s, n);
}

static int read_expiry(const struct json *v, int64_t *ms_out, struct err *e)
{
    if (json_type(v) == JSON_NULL)
        return 0;
    const char *text = json_text(v);
    if (!text || clock_parse_rfc3339(text, ms_out) < 0 || *ms_out <= clock_wall_ms())
        return err_set(e, ERR_INPUT, "expires_at: a time to come, like 2027-01-31T00:00:00Z, or null");
    return 0;
}

static int read_member(const struct json *m, struct token_row *out, struct err *e)
{
    const char *key = json_key(m), *text = json_text(m);
    if (strcmp(key, "name") == 0) {
        if (!text || !is_name(text))
            return err_set(e, ERR_INPUT, "name: a text of 1 to %d bytes", TOKEN_NAME_BYTES - 1);
        (void)snprintf(out->name, sizeof out->name, "%s", text);
        return 0;
    }
    if (strcmp(key, "role") == 0) {
        out->role = text ? role_find(text) : ROLE_NONE;
        return out->role != ROLE_NONE ? 0 : err_set(e, ERR_INPUT, "role: read, operate or admin");
    }
    if (strcmp(key, "expires_at") == 0)
        return read_expiry(m, &out->expires_ms, e);
    return err_set(e, ERR_INPUT, "%.40s: the body may hold \"name\", \"role\" and \"expires_at\"", key);
}

static int read_body(const struct json *body, struct token_row *out, struct err *e)
{
    if (json_type(body) != JSON_OBJECT)
        return err_set(e, ERR_INPUT, "the body must be an object: {\"name\": \"wall panel\", \"role\": \"read\"}");
    for (const struct json *m = json_first(body); m; m = json_next(m))
        if (read_member(m, out, e) < 0)
            return -1;
    if (out->name[0] == '\0' || out->role == ROLE_NONE)
        return err_set(e, ERR_INPUT, "the body must hold \"name\" and \"role\"");
    return 0;
}

void tokens_add(struct api *a, const struct request *r, struct response *p)
{
    struct err                     e;
    struct token_row               row = { .role = ROLE_NONE };
    char                           token[KEYRING_TOKEN_BYTES];
    const struct audit_entry        by = { .who = r->who, .role = r->role, .what = "token.add" };
    CLEANUP(json_free) struct json *body = json_parse(buf_str(&r->body), r->body.len, &e);
    if (!body || read_body(body, &row, &e) < 0 || keyring_add(a->keyring, &row, &by, token, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    write_members(&w, &row);
    json_s(&w, "token", token); /* this once: we keep its hash only */
    json_end(&w);
    response_json(p);
    p->status = 201;
}

/* --- one less --------------------------------------------------------------------------------------------------- */

static int revoke_own(struct api *a, const struct audit_entry *by, struct err *e)
{
    bool               is_chosen;
    struct audit_entry entry = *by;
    entry.object = KEYRING_OWN;
    if (!keyring_has_own(a->keyring, &is_chosen))
        return 0;
    if (is_chosen)
        return err_set(e, ERR_STATE, "it stands in the settings: Api:Token");
    if (!a->o.revoke_token || a->o.revoke_token(a->o.user, e) < 0)
        return -1;
    keyring_forget_own(a->keyring);
    return audit_add(a->store, &entry, e) < 0 ? -1 : 1;
}

void tokens_revoke(struct api *a, const struct request *r, struct response *p)
{
    struct err               e;
    const struct audit_entry by = { .who = r->who, .role = r->role, .what = "token.revoke" };
    bool                     is_own = strcmp(r->args[0], KEYRING_OWN) == 0;
    int                      found = is_own ? revoke_own(a, &by, &e) : keyring_revoke(a->keyring, r->args[0], &by, &e);
    if (found < 0)
        problem_of(p, &e);
    else if (found == 0)
        problem(p, 404, "there is no token %s", r->args[0]);
    else
        p->status = 204;
}
