/* `postern check`: every mistake at once, with its path; --print shows what is in force; --online opens every account. */
#include "service/commands.h"
#include "service/probe.h"
#include "service/settings_beyond.h"
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 256 * 1024, BEYOND_ARENA_MAX = 1024 * 1024 };

static void print_mistakes(const struct mistakes *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct mistake *m = &list->items[i];
        (void)printf("%s %s: %s\n", m->is_note ? "note   " : "MISTAKE", m->path, m->text);
    }
}

static void print_list(const char *before, const char *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)printf("%s%s", i == 0 ? before : ", ", items[i]);
}

static void print_route(size_t number, const struct route *r)
{
    (void)printf("route     %zu:", number);
    print_list(" ", r->kinds, r->kind_count);
    print_list(" of ", r->devices, r->device_count);
    print_list(" to ", r->to, r->to_count);
    if (r->min_severity > SEVERITY_INFO)
        (void)printf(" from %s on", severity_name(r->min_severity));
    if (r->except)
        (void)printf(" except \"%s\"", r->except);
    (void)printf("%s →", r->is_otherwise ? " otherwise" : "");
    for (size_t t = 0; t < r->tell_count; t++)
        (void)printf("%s %s", t == 0 ? "" : ",", r->tell[t]->name);
    if (r->tell_count == 0)
        (void)printf(" nobody");
    if (r->title)
        (void)printf(", title \"%s\"", r->title);
    if (r->priority != PRIORITY_NONE)
        (void)printf(", priority %d", r->priority);
    (void)putchar('\n');
}

static void print_people(const struct settings *s)
{
    for (size_t i = 0; i < s->people.account_count; i++)
        (void)printf("account   %-12s %s\n", s->people.accounts[i].name, s->people.accounts[i].provider->name);
    for (size_t i = 0; i < s->people.recipient_count; i++) {
        const struct recipient *r = &s->people.recipients[i];
        (void)printf("recipient %-12s", r->name);
        for (size_t w = 0; w < r->way_count; w++)
            (void)printf("%s%s:%s", w ? ", then " : " ", r->ways[w].account->name, r->ways[w].address);
        (void)putchar('\n');
    }
    for (size_t i = 0; i < s->people.route_count; i++)
        print_route(i, &s->people.routes[i]);
}

static void print_text(void (*write)(const struct settings *s, struct buf *out), const struct settings *s)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, TEXT_MAX);
    write(s, &text);
    (void)fputs(buf_str(&text), stdout);
}

static void document(const struct settings *s, struct buf *out)
{
    (void)s;
    settings_document(out);
}

int cmd_check(const struct settings *s, int argc, char **argv)
{
    bool is_online = false;
    for (int i = 1; i < argc; i++) {
        is_online = is_online || strcmp(argv[i], "--online") == 0;
        if (strcmp(argv[i], "--print") == 0) {
            print_text(settings_print, s);
            print_people(s);
        }
        if (strcmp(argv[i], "--document") == 0) { /* the rows of docs/settings.md */
            print_text(document, s);
            return 0;
        }
    }
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, BEYOND_ARENA_MAX);
    struct mistakes beyond = { .arena = &arena };
    settings_beyond(s, &beyond);
    print_mistakes(&s->mistakes);
    print_mistakes(&beyond);
    size_t wrong = settings_mistakes(s) + beyond.count;
    if (s->people.is_nobody_told)
        (void)puts("NOBODY WILL BE TOLD: no account and recipient but the log; see Accounts and Recipients");
    if (is_online)
        wrong += probe_accounts(&s->people);
    if (wrong == 0 && !s->people.is_nobody_told)
        (void)puts("no mistakes");
    return wrong > 0 || s->people.is_nobody_told ? 1 : 0;
}
