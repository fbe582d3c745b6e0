/* fake_store: a store for the server's test: it answers from a thread of its own, late or badly as it is told. */
#pragma once
#include "store/store.h"

struct store *fake_store_new(void);
void fake_store_free(struct store **s); /* after everything was answered */

void fake_store_fail(struct store *s, enum err_code code);                         /* each arrival from now; ERR_NONE: none */
void fake_store_fail_spool(struct store *s, const char *step, enum err_code code); /* "open", "write", "sync"; NULL: none   */
void fake_store_hold(struct store *s, bool is_held);                               /* answers wait while it is held          */
void fake_store_is_slow(struct store *s, bool is_slow);                            /* then 1 MiB goes inline, else 64 KiB   */

void fake_store_is_low(struct store *s, bool is_low);

int fake_store_kept(struct store *s);      /* arrivals answered with yes            */
int fake_store_jobs(struct store *s);      /* opens + writes + syncs of spools      */
int fake_store_abandoned(struct store *s); /* spools                                */
int fake_store_open_spools(struct store *s);
/* The n-th kept arrival, from 0: its bytes and envelope (valid until free). */
void fake_store_arrival(struct store *s, int n, const char **bytes_out, size_t *length_out, const char **envelope_out);
