/* main: the program postern-inspect. `postern-inspect FILE` is the parser developer's tool; --jobs is how postern runs it. */
#include "core/clock.h"
#include "core/file.h"
#include "inspect/inspect.h"
#include "inspect/job.h"
#include "parsers/own_texts.h"
#include "parsers/zone.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECIPIENTS_MAX = 1000, EXIT_USAGE = 64, EXIT_NO_INPUT = 66, EXIT_NO_SANDBOX = 69 };

struct arguments {
    const char        *file, *attack, *time_zone, *texts, *rule;
    const char        *to[RECIPIENTS_MAX];
    struct envelope    envelope;
    struct parser_site site;
    struct own_texts   own_texts;
    struct sandbox     sandbox;
    struct rules      *rules;
    int                rules_fd; /* -1: none */
    bool               is_serving, is_checking_rules;
};

static const char usage[] =
    "usage: postern-inspect FILE|- [--recipient ADDRESS]... [--from ADDRESS] [--peer IP] [--login NAME]\n"
    "                       [--alarm-user NAME] [--status-user NAME] [--language de|en] [--time-zone ZONE]\n"
    "                       [--texts JSON] [--max-drift HOURS] [--open-zone ZONE]... [--sandbox on|off] [--memory MIB]\n"
    "                       [--rules-fd N] [--rule NAME]\n"
    "Prints what the mail means, or with --rule what that rule of the owner's makes of it, as JSON.\n";

static const struct option long_options[] = {
    { "recipient", required_argument, NULL, 'r' },  { "from", required_argument, NULL, 'f' },
    { "peer", required_argument, NULL, 'p' },       { "login", required_argument, NULL, 'l' },
    { "alarm-user", required_argument, NULL, 'A' }, { "status-user", required_argument, NULL, 'S' },
    { "language", required_argument, NULL, 'L' },   { "time-zone", required_argument, NULL, 'Z' },
    { "sandbox", required_argument, NULL, 's' },    { "memory", required_argument, NULL, 'm' },
    { "texts", required_argument, NULL, 'T' },      { "open-zone", required_argument, NULL, 'O' },
    { "max-drift", required_argument, NULL, 'D' },  { "rules-fd", required_argument, NULL, 'F' },
    { "rule", required_argument, NULL, 'R' },       { "check-rules", no_argument, NULL, 'C' },
    { "jobs", no_argument, NULL, 'j' },             { "attack", required_argument, NULL, 'X' },
    { "help", no_argument, NULL, 'h' },             { NULL, 0, NULL, 0 },
};

static int take_memory_option(struct arguments *a, const char *text)
{
    char *end;
    errno = 0;
    long mib = strtol(text, &end, 10);
    if (errno != 0 || *end || mib < 64 || mib > 1024)
        return -1;
    a->sandbox.memory_bytes = (int64_t)mib * 1024 * 1024;
    return 0;
}

static int take_rules_option(struct arguments *a, const char *text)
{
    char *end;
    long  fd = strtol(text, &end, 10);
    a->rules_fd = (int)fd;
    return *end || end == text || fd < 0 || fd > 1023 ? -1 : 0;
}

static int take_drift_option(struct arguments *a, const char *text)
{
    char *end;
    errno = 0;
    long hours = strtol(text, &end, 10);
    if (errno != 0 || *end || hours < 1 || hours > 24 * 366)
        return -1;
    a->site.drift_max_ms = (int64_t)hours * 3600 * 1000;
    return 0;
}

/* A device's own zone; its mails are read all the same, by the site's, if this machine does not know it. */
static void open_zone(const char *name)
{
    const struct zone *zone;
    struct err         e;
    if (zone_open(name, &zone, &e) < 0)
        (void)fprintf(stderr, "postern-inspect: %s; taking the site's\n", e.text);
}

static int take_option(struct arguments *a, int option, const char *value)
{
    const char **texts[] = {
        ['f'] = &a->envelope.from, ['p'] = &a->envelope.peer, ['l'] = &a->envelope.login, ['A'] = &a->site.alarm_user,
        ['S'] = &a->site.status_user, ['L'] = &a->site.language, ['Z'] = &a->time_zone,
        ['T'] = &a->texts, ['X'] = &a->attack, ['R'] = &a->rule,
    };
    switch (option) {
    case 'r':
        if (a->envelope.to_count == RECIPIENTS_MAX)
            return -1;
        a->to[a->envelope.to_count++] = value;
        return 0;
    case 's':
        a->sandbox.is_filtered = strcmp(value, "off") != 0;
        return 0;
    case 'm':
        return take_memory_option(a, value);
    case 'F':
        return take_rules_option(a, value);
    case 'C':
        a->is_checking_rules = true;
        return 0;
    case 'D':
        return take_drift_option(a, value);
    case 'O':
        open_zone(value);
        return 0;
    case 'j':
        a->is_serving = true;
        return 0;
    default:
        if ((size_t)option >= COUNT(texts) || !texts[option])
            return -1;
        *texts[option] = value;
        return 0;
    }
}

static int read_arguments(int argc, char **argv, struct arguments *a)
{
    *a = (struct arguments){
        .time_zone = getenv("TZ"),
        .rules_fd = -1,
        .envelope = { .listener = "smtp", .peer = "", .helo = "", .login = "", .from = "", .to = a->to },
        .site = { .alarm_user = "alarm", .status_user = "status", .language = "en" },
        .sandbox = { .memory_bytes = INT64_C(256) * 1024 * 1024, .is_filtered = true },
    };
    int option;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
        if (take_option(a, option, optarg) < 0)
            return -1;
    a->file = argv[optind];
    if (a->is_checking_rules)
        return a->rules_fd >= 0 ? 0 : -1;
    return a->is_serving || a->attack || (a->file && !argv[optind + 1]) ? 0 : -1;
}

static int fail(int code, const char *what, const char *why)
{
    (void)fprintf(stderr, "postern-inspect: %s: %s\n", what, why);
    return code;
}

/* {"parser","subject","text","events":[…]}, and "rule_trouble" where a rule of the owner's was given up on. */
static void write_inspection(const struct inspection *i, struct json_out *w)
{
    json_object(w, NULL);
    json_s(w, "parser", i->events.parser);
    json_s(w, "subject", i->mail.subject);
    json_s(w, "text", i->mail.text);
    json_s_opt(w, "rule_trouble", i->events.rule_trouble);
    json_array(w, "events");
    for (size_t n = 0; n < i->events.count; n++)
        event_write(w, NULL, &i->events.items[n], NULL);
    json_end(w);
    json_end(w);
}

/* With a line end. */
static int print(struct buf *out)
{
    buf_putc(out, '\n');
    if (file_write(STDOUT_FILENO, buf_str(out), out->len) < 0)
        return fail(EXIT_FAILURE, "write", strerror(errno));
    return out->failed ? fail(EXIT_FAILURE, "print", "the result is too large") : EXIT_SUCCESS;
}

/* What the mail means; or, asked for one rule, what that makes of it. */
static int show(const struct arguments *a, struct inspection *i)
{
    CLEANUP(buf_done) struct buf out;
    struct err                   e;
    buf_init(&out, (size_t)4 * JOB_FRAME_MAX);
    struct json_out w = json_begin(&out);
    if (!a->rule)
        write_inspection(i, &w);
    else if (!a->rules)
        return fail(EXIT_USAGE, a->rule, "there are no rules");
    else if (rules_explain(a->rules, a->rule, &i->mail, &i->arena, &w, &e) < 0)
        return fail(EXIT_USAGE, "--rule", e.text);
    return print(&out);
}

static int inspect_file(const struct arguments *a)
{
    CLEANUP(inspection_done) struct inspection i;
    struct raw                                 raw;
    struct err                                 e;
    inspection_init(&i);
    int fd = strcmp(a->file, "-") == 0 ? STDIN_FILENO : open(a->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(EXIT_NO_INPUT, a->file, strerror(errno));
    if (sandbox_enter(&a->sandbox, &e) < 0)
        return fail(EXIT_NO_SANDBOX, "sandbox", e.text);
    if (raw_open(fd, &raw, &e) < 0)
        return fail(EXIT_NO_INPUT, a->file, e.text);
    if (inspect_bytes(&i, raw.bytes, raw.n, &a->site, &a->envelope, 0, &e) < 0)
        return fail(EXIT_FAILURE, a->file, e.text);
    int code = show(a, &i);
    raw_close(&raw);
    return code;
}

/* 0: the attack succeeded. */
static int attack(const struct arguments *a)
{
    struct err e;
    if (sandbox_enter(&a->sandbox, &e) < 0)
        return fail(EXIT_NO_SANDBOX, "sandbox", e.text);
    int r = inspect_attack(a->attack);
    if (r < 0)
        return fail(EXIT_USAGE, a->attack, "no such attack");
    return r > 0 ? fail(EXIT_SUCCESS, a->attack, "succeeded") : fail(EXIT_FAILURE, a->attack, "refused");
}

/* Before the filter closes. They live as long as the process. A gateway's mails are read all the same if the list is wrong. */
static int take_texts(struct arguments *a)
{
    static struct arena arena;
    struct err          e;
    arena_init(&arena, (size_t)4 * OWN_TEXTS_BYTES);
    if (own_texts_read(a->texts, &arena, &a->own_texts, &e) < 0) {
        (void)fail(0, "--texts", e.text);
        return a->is_serving ? 0 : -1;
    }
    a->site.texts = &a->own_texts;
    return 0;
}

/* As with the texts; what is wrong with a single rule `postern check` and the gateway's start have said. */
static void take_rules(struct arguments *a)
{
    struct err e;
    if (owner_rules_load(a->rules_fd, &a->rules, NULL, NULL, &e) < 0)
        (void)fail(0, "--rules-fd", e.text);
    a->site.rules = a->rules;
}

int main(int argc, char **argv)
{
    static struct arguments a;
    if (read_arguments(argc, argv, &a) < 0) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (a.time_zone && a.time_zone[0] && clock_use_zone(a.time_zone) < 0)
        (void)fail(0, a.time_zone, "no such time zone here; taking UTC");
    if (a.texts && take_texts(&a) < 0)
        return EXIT_USAGE;
    if (a.is_checking_rules)
        return owner_rules_check(a.rules_fd);
    if (a.rules_fd >= 0)
        take_rules(&a);
    inspect_warm_up(&a.site);
    if (a.attack)
        return attack(&a);
    return a.is_serving ? inspect_serve(&a.site, &a.sandbox) : inspect_file(&a);
}
