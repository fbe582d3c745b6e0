/* administration: what the API says of the gateway's own affairs: settings, a candidate for them, accounts, recipients. */
#pragma once
#include "service/relay.h"
#include "service/settings.h"

/* {"ok","mistakes":[{"path","text","is_note"}]} as members: of these settings as a file. -1: not even that. */
int administration_check(const char *text, size_t n, struct json_out *w, struct err *e) MUST_CHECK;
void administration_mistakes(const struct mistakes *list, struct json_out *w); /* the items of an open array */

void administration_accounts(struct relay *r, struct json_out *w);                                   /* "items" */
void administration_recipients(const struct people *p, bool is_whole, struct json_out *w);           /* "items"; addresses masked unless whole */
/* Asks the provider something harmless; waits for the answer (15 s). ERR_NOT_FOUND. */
int administration_test(const struct people *p, const char *account, struct json_out *w, struct err *e) MUST_CHECK;
