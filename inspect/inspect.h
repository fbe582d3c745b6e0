/* inspect: one raw arrival → its events, and what the program holds for it. One thread. */
#pragma once
#include "inspect/sandbox.h"
#include "parsers/rules.h"

/* The events of one mail; all strings in its arena. */
struct inspection {
    struct arena  arena;
    struct mail   mail;
    struct events events;
};
void inspection_init(struct inspection *i);
void inspection_done(struct inspection *i); /* also the CLEANUP handler */

/* -1 only when memory or the arena's ceiling ends it. raw must live as long as i. */
int inspect_bytes(struct inspection *i, const char *raw, size_t n, const struct parser_site *site, const struct envelope *envelope,
                  int64_t received_ms, struct err *e) MUST_CHECK;

/* Bytes of a descriptor: small ones read, large ones mapped. */
struct raw {
    const char *bytes;
    size_t      n;
    void       *mapped; /* NULL: bytes are in a buffer that the next raw_open uses again */
    size_t      mapped_bytes;
};
/* From the current offset if it is a pipe, else the whole file. ERR_LIMIT beyond 256 MiB. */
int  raw_open(int fd, struct raw *out, struct err *e) MUST_CHECK;
void raw_close(struct raw *r);

/* Uses once whatever opens files or registers types on first use. */
void inspect_warm_up(const struct parser_site *site);

/* The job loop over JOB_SOCKET (job.h), until the other end is gone or it is time to be replaced. Returns the exit code. */
int inspect_serve(const struct parser_site *site, const struct sandbox *sandbox);

/* The owner's rules as the descriptor holds them (a memfd of JSON, closed here), compiled; before the sandbox closes. say: see
 * rules.h, may be NULL. */
int owner_rules_load(int fd, struct rules **out, rules_mistake_fn *say, void *user, struct err *e) MUST_CHECK;
/* Prints {"mistakes":[{"rule":0,"member":"Pattern","text":"…"}]}. Returns the exit code. */
int owner_rules_check(int fd);

/* A test: does what a captured process would do ("openat" "socket" "execve" "fork" "ptrace" "memory"). 1: it succeeded,
 * 0: it was refused, -1: no such attack. */
int inspect_attack(const char *name);
