/* probe: harmless questions to the services, for the command line (check --online, chats). */
#pragma once
#include "service/people.h"

/* Opens every account once and prints a line each. How many did not open. Secrets are never printed. */
size_t probe_accounts(const struct people *people);
/* Opens one and says how it answered in line: 0, or -1: it did not. libcurl is initialised by the caller. */
int probe_account(const struct account *a, char *line, size_t size) MUST_CHECK;
/* The addresses this account could tell, a line each ("4711  private  Anna"). ERR_STATE: the provider has no such list. */
int probe_list(const struct account *a, struct buf *out, struct err *e) MUST_CHECK;
