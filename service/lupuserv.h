/* lupuserv: the `Service` block of LupuServ's appsettings.json, rewritten as the accounts, recipients and routes that it always
 * meant, so that its owners change nothing and `postern check --print` shows what became of it. */
#pragma once
#include "service/conf.h"

/* Whether the file has a Service block with somebody to tell in it. */
bool lupuserv_is_used(const struct conf *root);

/* Adds to the blocks Accounts, Recipients, Routes and Smtp of root what Service says; what stands there already stays.
 * Placeholders and numbers that cannot be called are mistakes, and their part is left out. -1: the arena is full. */
int lupuserv_translate(struct conf *root, struct arena *a, struct mistakes *m) MUST_CHECK;

/* Whether LupuServ has this setting ("Service:Gotify:Alarm:Url"), in any case. */
bool lupuserv_knows(const char *path);
