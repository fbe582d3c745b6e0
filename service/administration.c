/* administration: lists and checks, written as JSON. */
#include "service/administration.h"
#include "service/again.h"
#include "service/mask.h"
#include "service/probe.h"
#include "service/settings_beyond.h"
#include <stdlib.h>
#include <string.h>

enum { ACCOUNTS_MAX = 200, MISTAKES_ARENA_MAX = 1024 * 1024 };

/* --- settings ----------------------------------------------------------------------------------------------------- */

void administration_mistakes(const struct mistakes *list, struct json_out *w)
{
    for (size_t i = 0; i < list->count; i++) {
        json_object(w, NULL);
        json_s(w, "path", list->items[i].path);
        json_s(w, "text", list->items[i].text);
        json_b(w, "is_note", list->items[i].is_note);
        json_end(w);
    }
}

static void write_check(const struct settings *s, struct json_out *w)
{
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, MISTAKES_ARENA_MAX);
    struct mistakes beyond = { .arena = &arena };
    settings_beyond(s, &beyond);
    json_b(w, "ok", settings_mistakes(s) + mistakes_count(&beyond) == 0);
    json_array(w, "mistakes");
    administration_mistakes(&s->mistakes, w);
    administration_mistakes(&beyond, w);
    json_end(w);
}

int administration_check(const char *text, size_t n, struct json_out *w, struct err *e)
{
    struct settings s;
    int             result = settings_try(text, n, again_environment(), &s, e);
    if (result == 0)
        write_check(&s, w);
    settings_done(&s);
    return result;
}

/* --- accounts ------------------------------------------------------------------------------------------------------ */

static void write_error(const struct relay_account *a, struct json_out *w)
{
    if (!a->error_ms)
        return;
    json_object(w, "last_error");
    json_s(w, "text", a->error);
    json_time(w, "at", a->error_ms);
    json_end(w);
}

static void write_account(const struct relay_account *a, struct json_out *w)
{
    json_object(w, NULL);
    json_s(w, "name", a->account->name);
    json_s(w, "provider", a->account->provider->name);
    json_s(w, "state", a->is_paused ? "paused" : a->is_shut ? "refused" : "ok");
    if (a->success_ms)
        json_time(w, "last_success_at", a->success_ms);
    write_error(a, w);
    json_object(w, "bucket");
    json_i(w, "tokens", (int64_t)a->tokens);
    json_i(w, "burst", a->account->burst);
    json_i(w, "per_minute", (int64_t)a->account->rate_per_minute);
    json_end(w);
    json_i(w, "pending", a->pending);
    if (a->pending > 0)
        json_i(w, "oldest_pending_s", a->oldest_ms / 1000);
    json_end(w);
}

void administration_accounts(struct relay *r, struct json_out *w)
{
    struct relay_account *all = r ? calloc(ACCOUNTS_MAX, sizeof *all) : NULL;
    size_t                count = all ? relay_accounts(r, all, ACCOUNTS_MAX) : 0;
    json_array(w, "items");
    for (size_t i = 0; i < count; i++)
        write_account(&all[i], w);
    json_end(w);
    free(all);
}

int administration_test(const struct people *p, const char *account, struct json_out *w, struct err *e)
{
    for (size_t i = 0; i < p->account_count; i++) {
        if (strcmp(p->accounts[i].name, account) != 0)
            continue;
        char line[240] = "";
        int  result = probe_account(&p->accounts[i], line, sizeof line);
        json_s(w, "account", account);
        json_b(w, "ok", result == 0);
        json_s(w, "detail", line);
        return 0;
    }
    return err_set(e, ERR_NOT_FOUND, "there is no account %s", account);
}

/* --- recipients ------------------------------------------------------------------------------------------------------ */

static void write_way(const struct way *way, bool is_whole, struct json_out *w)
{
    char masked[MASK_MAX];
    json_object(w, NULL);
    json_s(w, "account", way->account->name);
    json_s(w, "address", is_whole ? way->address : mask_address(masked, way->address));
    json_end(w);
}

void administration_recipients(const struct people *p, bool is_whole, struct json_out *w)
{
    static const char *const details[] = { [TEXT_FULL] = "full", [TEXT_ZONE] = "zone", [TEXT_SHORT] = "short" };
    json_array(w, "items");
    for (size_t i = 0; i < p->recipient_count; i++) {
        const struct recipient *one = &p->recipients[i];
        json_object(w, NULL);
        json_s(w, "name", one->name);
        json_s_opt(w, "language", one->manner.language);
        json_s(w, "detail", details[one->manner.detail]);
        json_b(w, "pictures", !one->manner.is_without_pictures);
        json_array(w, "ways");
        for (size_t k = 0; k < one->way_count; k++)
            write_way(&one->ways[k], is_whole, w);
        json_end(w);
        json_end(w);
    }
    json_end(w);
}
