/* rules: what an owner says of mails that no parser knows (Parsers:Rules): where to look, a pattern whose named groups fill the
 * event, and an example. They are asked before all parsers, in their order; the first that fits makes the mail's one event.
 *
 *   [{"Name":"garage","Where":["subject","body"],"Pattern":"Gate (?<zone>\\d+) (?<kind>opened|closed)",
 *     "Kinds":{"opened":"zone.open","closed":"zone.closed"},"Kind":"zone.open","Restored":false,"Severity":"info","MonthFirst":false,
 *     "Example":"Gate 2 opened","Gives":{"kind":"zone.open","zone":2}}]
 *
 * A pattern that takes too long with a mail gives it up: then the parsers read it. */
#pragma once
#include "parsers/parser.h"

enum {
    RULES_MAX = 100,
    RULES_BYTES = 256 * 1024,  /* of the whole list as JSON              */
    RULES_MAIL_MS = 40,        /* processor time of all rules for a mail */
};

/* A mistake in the rule at this place of the list; member: "Pattern", "Gives:zone", …, "" = the rule itself. */
typedef void rules_mistake_fn(void *user, size_t rule, const char *member, const char *text);

/* Reads and compiles the list and tries each rule on its example. What is wrong is said, one after the other (say NULL: not);
 * a rule that cannot be used is left out. -1: no list of rules at all (ERR_INPUT), ERR_LIMIT, ERR_NOMEM. */
int  rules_read(const char *json, size_t n, struct rules **out, rules_mistake_fn *say, void *user, struct err *e) MUST_CHECK;
void rules_free(struct rules **r);

/* 1: a rule fits, one event is added and out->parser is "rule:<name>"; 0: none does; -1: out of memory. Sets out->rule_trouble. */
int rules_apply(const struct rules *r, const struct mail *m, struct events *out, struct err *e) MUST_CHECK;

/* What the rule of that name makes of the mail: {"rule","result":"fits|does not fit|gives up","where","groups":{…},"event":{…}}.
 * -1: ERR_NOT_FOUND, no rule of that name that can be used; ERR_NOMEM. */
int rules_explain(const struct rules *r, const char *name, const struct mail *m, struct arena *a, struct json_out *w,
                  struct err *e) MUST_CHECK;
