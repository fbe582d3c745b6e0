/* accounts: GET /api/v1/accounts, POST /api/v1/accounts/{name}/test|pause|resume, GET /api/v1/recipients. */
#include "api/context.h"

void accounts_list(struct api *a, const struct request *r, struct response *p)
{
    (void)r;
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    a->o.accounts(a->o.user, &w);
    json_null(&w, "next");
    json_end(&w);
    response_json(p);
}

void recipients_list(struct api *a, const struct request *r, struct response *p)
{
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    a->o.recipients(a->o.user, r->role >= ROLE_ADMIN, &w);
    json_null(&w, "next");
    json_end(&w);
    response_json(p);
}

void accounts_test(struct api *a, const struct request *r, struct response *p)
{
    struct err               e;
    const struct audit_entry by = { .who = r->who, .role = r->role, .what = "account.test", .object = r->args[0] };
    struct json_out          w = json_begin(&p->body);
    json_object(&w, NULL);
    if (a->o.test_account(a->o.user, r->args[0], &w, &e) < 0 || audit_add(a->store, &by, &e) < 0) {
        problem_of(p, &e);
    } else {
        json_end(&w);
        response_json(p);
    }
}

static void set_paused(struct api *a, const struct request *r, bool is_paused, struct response *p)
{
    struct err               e;
    const struct audit_entry by = { .who = r->who, .role = r->role, .what = is_paused ? "account.pause" : "account.resume", .object = r->args[0] };
    if (a->o.pause(a->o.user, r->args[0], is_paused, &by, &e) < 0)
        problem_of(p, &e);
    else
        p->status = 204;
}

void accounts_pause(struct api *a, const struct request *r, struct response *p)
{
    set_paused(a, r, true, p);
}

void accounts_resume(struct api *a, const struct request *r, struct response *p)
{
    set_paused(a, r, false, p);
}
