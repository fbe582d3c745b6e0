/* history: a real store in a folder of its own, filled by SQL, so that each test says what rows it wants. */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "store/store.h"

struct history {
    char          folder[64];
    struct store *store;
};
int history_setup(void **state);
int history_teardown(void **state);

/* Statements without parameters, in one transaction of the writer. */
void history_write(struct history *h, const char *sql);
