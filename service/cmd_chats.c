/* `postern chats ACCOUNT`: who wrote to the bot, with the number that Recipients wants. */
#include "service/commands.h"
#include "service/probe.h"
#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 256 * 1024, USAGE = 64 };

static const struct account *find_account(const struct people *people, const char *name)
{
    for (size_t i = 0; i < people->account_count; i++)
        if (strcmp(people->accounts[i].name, name) == 0)
            return &people->accounts[i];
    return NULL;
}

int cmd_chats(const struct settings *s, int argc, char **argv)
{
    if (argc != 2) {
        (void)fputs("usage: postern chats ACCOUNT\n", stderr);
        return USAGE;
    }
    const struct account *a = find_account(&s->people, argv[1]);
    if (!a) {
        (void)fprintf(stderr, "postern: no account '%s' in Accounts\n", argv[1]);
        return 1;
    }
    CLEANUP(buf_done) struct buf list;
    buf_init(&list, LIST_MAX);
    struct err e;
    if (probe_list(a, &list, &e) < 0) {
        (void)fprintf(stderr, "postern: %s: %s\n", a->name, e.text);
        return 1;
    }
    if (list.len == 0)
        (void)puts("nobody wrote to the bot in the last 24 hours: open it in Telegram, press Start, and ask again");
    (void)fputs(buf_str(&list), stdout);
    return 0;
}
