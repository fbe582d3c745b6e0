/* rules_inside: what the files of the rules share; nobody else includes it.
 *   rules.c       a mail and a rule make an event
 *   rules_read.c  the settings' list, its mistakes, its examples */
#pragma once
#include "parsers/pattern.h"
#include "parsers/rules.h"
#include "parsers/when.h"

enum place { PLACE_SUBJECT, PLACE_BODY, PLACE_SENDER, PLACE_RECIPIENT, PLACE_ATTACHMENT, PLACES };
extern const char *const rule_places[PLACES]; /* "subject", … */

/* What a group of that name fills. */
struct filling {
    const struct rule *rule;
    const struct mail *mail;
    struct event      *event;
    struct arena      *arena;
};
struct rule_group {
    const char *name;
    int (*fill)(struct filling *f, const char *text); /* -1: out of memory */
};
extern const struct rule_group rule_groups[]; /* a NULL name ends it */
const struct rule_group       *rule_group_find(const char *name);

/* "opened" → "zone.open". */
struct rule_word {
    const char *folded, *kind;
    bool        restored;
};

struct rule {
    const char             *name;
    enum place              where[PLACES];
    size_t                  where_count;
    struct pattern         *pattern;
    const char             *kind; /* NULL: by the group alone */
    bool                    restored, has_severity;
    enum severity           severity;
    enum when_order         order;
    const struct rule_word *words;
    size_t                  word_count;
};

struct rules {
    struct arena arena;
    struct rule  items[RULES_MAX];
    size_t       count;
};

struct rule_match {
    enum place         place;
    const char        *subject; /* what the pattern saw, NUL-terminated */
    struct pattern_hit hit;
};
/* The first of the rule's places where it fits; gives up where any of them made it give up. */
enum pattern_result rule_match(const struct rule *r, const struct mail *m, struct pattern_budget *budget, struct rule_match *out);
/* The event that this match makes. -1: out of memory. */
int rule_fill(const struct rule *r, const struct mail *m, const struct rule_match *match, struct events *out, struct err *e) MUST_CHECK;
