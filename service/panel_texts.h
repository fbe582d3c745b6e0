/* panel_texts: Parsers:Texts, what a panel says in words of its own: { "Alarme sabotage": "alarm.tamper", "…": "alarm.tamper restored" }.
 * Checked here, understood by postern-inspect (parsers/own_texts.h). */
#pragma once
#include "service/conf.h"

/* The good entries as JSON, in the arena; "" if there are none. What is wrong is added to m and left out. NULL: the arena is full. */
const char *panel_texts_read(const struct conf *root, struct arena *a, struct mistakes *m);
