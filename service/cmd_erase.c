/* `postern erase`: what would go, a question, and then it goes: one event by its id, or all that filters find. */
#include "core/clock.h"
#include "service/cli.h"
#include "service/client.h"
#include "service/commands.h"
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10 * 60 * 1000, PATH_BYTES = 4096, LOOK_MS = 300, LOOKS = 200 };

struct asked {
    struct buf path; /* with its query */
    bool       is_sure, has_filter;
};

static int usage(void)
{
    (void)fputs("usage: postern erase ID [--copies] [--yes]\n"
                "       postern erase --since T --until T --kind K --severity S --device D --zone Z --user U --text T [--copies] [--yes]\n"
                "       postern erase --all [--copies] [--yes]\n"
                "       postern erase --status\n", stderr);
    return EX_USAGE;
}

/* --- what is meant ------------------------------------------------------------------------------------------------- */

static bool is_filter(const char *name)
{
    static const char *const filters[] = { "since", "until", "kind", "severity", "device", "zone", "user", "text" };
    for (size_t i = 0; i < COUNT(filters); i++)
        if (strcmp(filters[i], name) == 0)
            return true;
    return false;
}

static void put_pair(struct asked *a, const char *name, const char *value)
{
    buf_printf(&a->path, "%c%s=", strchr(buf_str(&a->path), '?') ? '&' : '?', name);
    cli_put_escaped(&a->path, value);
}

static int put_filter(struct asked *a, const char *name, const char *value)
{
    char    text[CLOCK_TEXT];
    int64_t ms;
    bool    is_time = strcmp(name, "since") == 0 || strcmp(name, "until") == 0;
    if (!value || (is_time && cli_parse_time(value, clock_wall_ms(), &ms) < 0))
        return -1;
    put_pair(a, name, is_time ? clock_rfc3339(text, ms) : value);
    a->has_filter = true;
    return 0;
}

/* How many arguments it took; -1: it is wrong. */
static int take(struct asked *a, const char *word, const char *next)
{
    if (strcmp(word, "--yes") == 0)
        a->is_sure = true;
    else if (strcmp(word, "--copies") == 0)
        put_pair(a, "copies", "remove");
    else if (strcmp(word, "--all") == 0)
        a->has_filter = true;
    else
        return strncmp(word, "--", 2) == 0 && is_filter(word + 2) && put_filter(a, word + 2, next) == 0 ? 2 : -1;
    return 1;
}

static int read_arguments(int argc, char **argv, struct asked *a)
{
    bool has_id = argc > 1 && argv[1][0] != '-';
    buf_puts(&a->path, "/api/v1/events");
    if (has_id) {
        buf_putc(&a->path, '/');
        cli_put_escaped(&a->path, argv[1]);
    }
    for (int i = has_id ? 2 : 1; i < argc;) {
        int n = take(a, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (n < 0)
            return -1;
        i += n;
    }
    return a->path.failed || has_id == a->has_filter ? -1 : 0; /* one of the two: nobody erases everything by saying nothing */
}

/* --- what would go ------------------------------------------------------------------------------------------------- */

static void show_copies(const struct json *answer)
{
    for (const struct json *c = json_first(json_get(answer, "copies")); c; c = json_next(c))
        (void)printf("  older copy in the data folder: %s, %" PRId64 " KiB, of %s (--copies removes it)\n", json_str(c, "name", ""),
                     json_int(c, "bytes", 0) >> 10, json_str(c, "made_at", ""));
}

static void show_plan(const struct json *answer)
{
    int64_t count = json_int(answer, "count", 0), siblings = count - json_int(answer, "found", 0);
    (void)printf("%" PRId64 " events with %" PRId64 " mails%s\n", count, json_int(answer, "mails", 0), json_bool(answer, "more", false) ? ", and there are more: they need another go" : "");
    if (siblings > 0)
        (void)printf("  %" PRId64 " of them only share a mail with one that you named\n", siblings);
    if (json_int(answer, "untold", 0) > 0)
        (void)printf("  %" PRId64 " deliveries are still owed: nobody will be told\n", json_int(answer, "untold", 0));
    if (json_int(answer, "linked", 0) > 0)
        (void)printf("  %" PRId64 " events of other mails tell of the same: they stay\n", json_int(answer, "linked", 0));
    show_copies(answer);
    (void)printf("  backups made since %s still hold some of it\n", json_str(json_get(answer, "in_backups"), "since", "then"));
}

/* Who does not type the number erases nothing. */
static bool is_confirmed(int64_t count)
{
    char line[32] = "", wanted[32];
    (void)snprintf(wanted, sizeof wanted, "%" PRId64 "\n", count);
    (void)printf("Type %" PRId64 " to erase them for good: ", count);
    (void)fflush(stdout);
    return fgets(line, sizeof line, stdin) && strcmp(line, wanted) == 0;
}

/* --- doing it -------------------------------------------------------------------------------------------------------- */

/* 0: nothing is left; 1: something is, which ends by itself; -1. */
static int show_rest(struct client *c, int looks, struct err *e)
{
    for (int i = 0;; i++) {
        CLEANUP(json_free) struct json *rest = client_json(c, "/api/v1/erasures", NULL, TIMEOUT_MS, e);
        if (!rest)
            return -1;
        bool is_complete = json_bool(rest, "complete", false);
        if (!is_complete && i < looks) {
            (void)usleep(LOOK_MS * 1000);
            continue;
        }
        if (is_complete)
            (void)puts("nothing is left of it here");
        else
            (void)printf("still to go: %" PRId64 " mails, %" PRId64 " events in the archive, %" PRId64 " exported pictures%s; see `postern erase --status`\n",
                         json_int(rest, "mails", 0), json_int(rest, "archive", 0), json_int(rest, "exported", 0),
                         json_bool(rest, "traces", false) ? ", words in the index" : "");
        show_copies(rest);
        return is_complete ? 0 : 1;
    }
}

static int erase(struct client *c, struct asked *a, struct err *e)
{
    CLEANUP(json_free) struct json *plan = client_delete_json(c, buf_str(&a->path), TIMEOUT_MS, e);
    if (!plan)
        return -1;
    int64_t count = json_int(plan, "count", 0);
    show_plan(plan);
    if (count == 0 || (!a->is_sure && !is_confirmed(count)))
        return count == 0 ? 0 : err_set(e, ERR_STATE, "nothing was erased");
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRId64, count);
    put_pair(a, "confirm", number);
    CLEANUP(json_free) struct json *done = client_delete_json(c, buf_str(&a->path), TIMEOUT_MS, e);
    if (!done)
        return -1;
    (void)printf("%" PRId64 " events are erased\n", json_int(done, "erased", 0));
    return show_rest(c, LOOKS, e) < 0 ? -1 : 0;
}

int cmd_erase(const struct settings *s, int argc, char **argv)
{
    bool                                is_status = argc == 2 && strcmp(argv[1], "--status") == 0;
    struct asked                        a = { .is_sure = false };
    CLEANUP(client_free) struct client *c = NULL;
    struct err                          e;
    buf_init(&a.path, PATH_BYTES);
    if (!is_status && read_arguments(argc, argv, &a) < 0) {
        buf_done(&a.path);
        return usage();
    }
    int result = client_new(s, &c, &e) < 0 ? -1 : is_status ? show_rest(c, 0, &e) : erase(c, &a, &e);
    buf_done(&a.path);
    if (result < 0)
        (void)fprintf(stderr, "postern erase: %s\n", e.text);
    return result < 0 ? 1 : result;
}
