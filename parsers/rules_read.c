/* rules_read: one member after the other, each mistake said with its place; then the example must give what it shall. */
#include "core/fold.h"
#include "parsers/rules_inside.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ARENA_MAX = 4 * RULES_BYTES, TRY_ARENA_MAX = 1024 * 1024, WORDS_MAX = 200, VALUE_TEXT = 64 };

struct reading {
    struct rules     *rules;
    const struct json *json; /* of this rule */
    struct rule       rule;
    size_t            at;
    bool              is_unusable;
    rules_mistake_fn *say;
    void             *user;
};

PRINTF(3, 0) static void say_it(const struct reading *r, const char *member, const char *format, va_list args)
{
    char text[400];
    (void)vsnprintf(text, sizeof text, format, args);
    if (r->say)
        r->say(r->user, r->at, member, text);
}

/* The rule is used all the same. */
PRINTF(3, 4) static void complain(const struct reading *r, const char *member, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_it(r, member, format, args);
    va_end(args);
}

/* It is not. */
PRINTF(3, 4) static void refuse(struct reading *r, const char *member, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_it(r, member, format, args);
    va_end(args);
    r->is_unusable = true;
}

/* Settings from the environment are all text. */
static bool is_on(struct reading *r, const char *member)
{
    const struct json *v = json_get(r->json, member);
    const char        *text = json_text(v);
    if (!v || json_type(v) == JSON_NULL || json_type(v) == JSON_FALSE || (text && strcasecmp(text, "false") == 0))
        return false;
    if (!json_is_true(v) && !(text && strcasecmp(text, "true") == 0))
        refuse(r, member, "true or false is expected here");
    return true;
}

/* --- members ------------------------------------------------------------------------------------------------------ */

static void read_name(struct reading *r)
{
    const char *name = json_str(r->json, "Name", "");
    if (name[0] == '\0' || strlen(name) > VALUE_TEXT) {
        refuse(r, "Name", "a name of 1 to %d bytes is expected here", VALUE_TEXT);
        return;
    }
    for (size_t i = 0; i < r->rules->count; i++)
        if (strcmp(r->rules->items[i].name, name) == 0)
            refuse(r, "Name", "there is another rule of this name: %s", name);
    r->rule.name = arena_str(&r->rules->arena, name);
    if (!r->rule.name)
        refuse(r, "Name", "the rules are too large");
}

static void add_place(struct reading *r, const char *word)
{
    for (unsigned p = 0; p < PLACES; p++)
        if (word && strcasecmp(word, rule_places[p]) == 0) {
            if (r->rule.where_count < PLACES)
                r->rule.where[r->rule.where_count++] = (enum place)p;
            return;
        }
    refuse(r, "Where", "\"%.40s\" is none of subject, body, sender, recipient, attachment", word ? word : "");
}

/* One word or a list; nothing: subject and body. */
static void read_where(struct reading *r)
{
    const struct json *where = json_get(r->json, "Where");
    if (!where || json_type(where) == JSON_NULL) {
        add_place(r, "subject");
        add_place(r, "body");
    } else if (json_type(where) == JSON_ARRAY) {
        for (const struct json *v = json_first(where); v; v = json_next(v))
            add_place(r, json_text(v));
    } else {
        add_place(r, json_text(where));
    }
    if (r->rule.where_count == 0 && !r->is_unusable)
        refuse(r, "Where", "a place is expected here: subject, body, sender, recipient, attachment");
}

static void read_pattern(struct reading *r)
{
    struct err  e;
    const char *text = json_str(r->json, "Pattern", "");
    if (text[0] == '\0')
        refuse(r, "Pattern", "a regular expression is expected here");
    else if (pattern_compile(text, &r->rule.pattern, &e) < 0)
        refuse(r, "Pattern", "%s", e.text);
    for (size_t i = 0; r->rule.pattern && i < pattern_name_count(r->rule.pattern); i++)
        if (!rule_group_find(pattern_name(r->rule.pattern, i)))
            refuse(r, "Pattern", "a group \"%s\" fills nothing; known are kind, zone, zone_name, device, user, text, time",
                   pattern_name(r->rule.pattern, i));
}

static const char *read_kind_word(struct reading *r, const char *member, const char *text, bool *restored_out)
{
    const char *kind = text ? kind_read(text, restored_out) : NULL;
    if (!kind || kind_matches("system.*", kind)) {
        refuse(r, member, "no kind \"%.60s\"; like \"camera.motion\" or \"alarm.tamper restored\"", text ? text : "");
        return NULL;
    }
    return kind;
}

static bool has_group(const struct reading *r, const char *name)
{
    for (size_t i = 0; r->rule.pattern && i < pattern_name_count(r->rule.pattern); i++)
        if (strcmp(pattern_name(r->rule.pattern, i), name) == 0)
            return true;
    return false;
}

static void read_kind(struct reading *r)
{
    const char *text = json_str(r->json, "Kind", NULL);
    if (text)
        r->rule.kind = read_kind_word(r, "Kind", text, &r->rule.restored);
    else if (json_get(r->json, "Kind"))
        refuse(r, "Kind", "a kind is expected here");
    else if (r->rule.pattern && !has_group(r, "kind"))
        refuse(r, "Kind", "what is it? A kind is expected here, or a group named kind in the pattern");
    r->rule.restored = is_on(r, "Restored") || r->rule.restored;
    r->rule.order = is_on(r, "MonthFirst") ? WHEN_MONTH_FIRST : WHEN_DAY_FIRST;
}

static void read_severity(struct reading *r)
{
    const struct json *v = json_get(r->json, "Severity");
    if (!v || json_type(v) == JSON_NULL)
        return;
    const char *text = json_text(v);
    r->rule.has_severity = text && severity_parse(text, &r->rule.severity) == 0;
    if (!r->rule.has_severity)
        refuse(r, "Severity", "\"%.40s\" is none of info, warning, alarm", text ? text : "");
}

static void read_word(struct reading *r, const struct json *v, struct rule_word *out)
{
    char        folded[200];
    const char *key = json_key(v);
    out->kind = read_kind_word(r, "Kinds", json_text(v), &out->restored);
    if (fold_tight(folded, sizeof folded, key, strlen(key)) == 0)
        refuse(r, "Kinds", "a word of 1 to %zu bytes is expected for %.60s", sizeof folded - 1, json_text(v) ? json_text(v) : "");
    out->folded = arena_str(&r->rules->arena, folded);
    if (!out->folded)
        refuse(r, "Kinds", "the rules are too large");
}

static void read_words(struct reading *r)
{
    const struct json *list = json_get(r->json, "Kinds");
    size_t             count = json_count(list);
    if (!list || json_type(list) == JSON_NULL)
        return;
    struct rule_word *words = count <= WORDS_MAX ? arena_alloc(&r->rules->arena, (count + 1) * sizeof *words) : NULL;
    if (json_type(list) != JSON_OBJECT || !words) {
        refuse(r, "Kinds", "at most %d words are expected here: { \"opened\": \"zone.open\" }", WORDS_MAX);
        return;
    }
    if (!has_group(r, "kind"))
        refuse(r, "Kinds", "the pattern has no group named kind to take such a word from");
    for (const struct json *v = json_first(list); v; v = json_next(v))
        read_word(r, v, &words[r->rule.word_count++]);
    r->rule.words = words;
}

static void find_unknown_members(struct reading *r)
{
    static const char *const known[] = { "Name", "Where", "Pattern", "Kind", "Kinds", "Restored", "Severity", "MonthFirst", "Example", "Gives" };
    for (const struct json *v = json_first(r->json); v; v = json_next(v)) {
        bool is_known = false;
        for (size_t i = 0; i < COUNT(known); i++)
            is_known |= strcmp(json_key(v), known[i]) == 0;
        if (!is_known)
            complain(r, json_key(v), "not known; a rule has Name, Where, Pattern, Kind, Kinds, Restored, Severity, MonthFirst, Example, Gives");
    }
}

/* --- the example -------------------------------------------------------------------------------------------------- */

/* The example as a mail that says it where the rule looks first. */
struct trial {
    struct parser_site site;
    struct envelope    envelope;
    const char        *to[1];
    struct media       medium;
    struct mail        mail;
};

static void make_mail(const struct rule *rule, const char *example, struct trial *t)
{
    *t = (struct trial){
        .site = { .alarm_user = "", .status_user = "", .language = "en" },
        .envelope = { .listener = "", .peer = "", .helo = "", .login = "", .from = "" },
        .medium = { .n = 1, .type = "application/octet-stream", .name = example },
        .mail = { .subject = "", .text = "", .header_from = "", .mailer = "" },
    };
    t->mail.site = &t->site;
    t->mail.envelope = &t->envelope;
    switch (rule->where[0]) {
    case PLACE_SUBJECT: t->mail.subject = example; break;
    case PLACE_BODY: t->mail.text = example; break;
    case PLACE_SENDER: t->mail.header_from = example; break;
    case PLACE_RECIPIENT:
        t->to[0] = example;
        t->envelope.to = t->to;
        t->envelope.to_count = 1;
        break;
    default:
        t->mail.media = &t->medium;
        t->mail.media_count = 1;
    }
}

/* What an event says to a member of Gives; NULL: nothing. */
static const char *given(const struct event *ev, const char *member, struct arena *a)
{
    const struct {
        const char *member, *value;
    } values[] = {
        { "kind", ev->kind },
        { "restored", ev->restored ? "true" : "false" },
        { "severity", severity_name(ev->severity) },
        { "zone", ev->zone_number == ZONE_NONE ? ev->zone_name : arena_printf(a, "%d", ev->zone_number) },
        { "zone_name", ev->zone_name },
        { "device", ev->device_name },
        { "user", ev->user },
        { "text", ev->text },
        { "time", ev->device_time },
    };
    for (size_t i = 0; i < COUNT(values); i++)
        if (strcmp(member, values[i].member) == 0)
            return values[i].value ? values[i].value : "";
    return NULL;
}

/* "2026-11-21 03:12:45" is what the clock showed, without its offset. */
static bool is_same_time(const char *is, const char *wanted)
{
    size_t n = strlen(wanted);
    if (n != 19)
        return strcmp(is, wanted) == 0;
    return strlen(is) > 19 && strncmp(is, wanted, 10) == 0 && strncmp(is + 11, wanted + 11, 8) == 0;
}

static const char *wanted_text(const struct json *v, struct arena *a)
{
    switch (json_type(v)) {
    case JSON_STRING: return json_text(v);
    case JSON_NUMBER: return arena_printf(a, "%.0f", json_number(v));
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    default: return NULL;
    }
}

static void compare(struct reading *r, const struct event *ev, const struct json *v, struct arena *a)
{
    const char *key = json_key(v), *wanted = wanted_text(v, a), *is = given(ev, key, a);
    char        member[VALUE_TEXT + 8];
    (void)snprintf(member, sizeof member, "Gives:%s", key);
    if (!is)
        complain(r, member, "not known; an example can give kind, restored, severity, zone, zone_name, device, user, text, time");
    else if (!wanted)
        complain(r, member, "a text is expected here");
    else if (strcmp(key, "time") == 0 ? !is_same_time(is, wanted) : strcmp(is, wanted) != 0)
        complain(r, member, "the example gives \"%.80s\", not \"%.80s\"", is, wanted);
}

static void try_example(struct reading *r)
{
    const char        *example = json_str(r->json, "Example", NULL);
    const struct json *gives = json_get(r->json, "Gives");
    struct err         e;
    if (!example) {
        complain(r, "Example", "an example of the text that the rule is for is expected here");
        return;
    }
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, TRY_ARENA_MAX);
    struct events         events = { .arena = &arena };
    struct pattern_budget budget = { .left_ns = (int64_t)RULES_MAIL_MS * 1000000 };
    struct rule_match     match;
    struct trial          trial;
    make_mail(&r->rule, example, &trial);
    enum pattern_result result = rule_match(&r->rule, &trial.mail, &budget, &match);
    if (result != PATTERN_HITS) {
        complain(r, "Example", result == PATTERN_MISSES ? "the pattern does not fit it" : "the pattern takes too long with it");
        return;
    }
    if (rule_fill(&r->rule, &trial.mail, &match, &events, &e) < 0) {
        complain(r, "Example", "%s", e.text);
        return;
    }
    if (gives && json_type(gives) != JSON_OBJECT)
        complain(r, "Gives", "a block is expected here: { \"kind\": \"camera.motion\", \"zone\": 8 }");
    for (const struct json *v = json_type(gives) == JSON_OBJECT ? json_first(gives) : NULL; v; v = json_next(v))
        compare(r, &events.items[0], v, &arena);
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

static void read_rule(struct reading *r)
{
    if (json_type(r->json) != JSON_OBJECT) {
        complain(r, "", "a rule is expected here: { \"Name\": …, \"Pattern\": …, \"Kind\": … }");
        return;
    }
    find_unknown_members(r);
    read_name(r);
    read_where(r);
    read_pattern(r);
    read_kind(r);
    read_severity(r);
    read_words(r);
    if (r->is_unusable) {
        pattern_free(&r->rule.pattern);
        return;
    }
    try_example(r);
    r->rules->items[r->rules->count++] = r->rule;
}

int rules_read(const char *json, size_t n, struct rules **out, rules_mistake_fn *say, void *user, struct err *e)
{
    if (n > RULES_BYTES)
        return err_set(e, ERR_LIMIT, "the rules have more than %d KiB", RULES_BYTES / 1024);
    CLEANUP(json_free) struct json *root = json_parse(json, n, e);
    if (!root)
        return -1;
    if (json_type(root) != JSON_ARRAY || json_count(root) > RULES_MAX)
        return err_set(e, ERR_INPUT, "a list of at most %d rules is expected", RULES_MAX);
    struct rules *rules = calloc(1, sizeof *rules);
    if (!rules)
        return err_set(e, ERR_NOMEM, "out of memory");
    arena_init(&rules->arena, ARENA_MAX);
    size_t at = 0;
    for (const struct json *v = json_first(root); v; v = json_next(v), at++) {
        struct reading r = { .rules = rules, .json = v, .at = at, .say = say, .user = user };
        read_rule(&r);
    }
    *out = rules;
    return 0;
}

void rules_free(struct rules **r)
{
    if (!*r)
        return;
    for (size_t i = 0; i < (*r)->count; i++)
        pattern_free(&(*r)->items[i].pattern);
    arena_done(&(*r)->arena);
    free(*r);
    *r = NULL;
}
