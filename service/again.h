/* again: the same program begins again as the same process, with the words and the environment that it was started with and with the
 * listening sockets that were kept for it (net/inherited.h): whoever supervises us, or knocks at the door, sees nothing end. */
#pragma once

/* First of all in main(): before anybody sets a variable or takes a word away. The texts must stay. */
void         again_remember(char *const *argv, char *const *env);
char *const *again_environment(void); /* as it was then; NULL ends */

/* Returns only if it fails: the exit code, so that somebody else starts us. Everything is closed but the kept sockets. */
int again_begin(void);
