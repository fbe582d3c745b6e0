/* phone: telephone numbers and SMS sender names, as every SMS service wants them (E.164). */
#pragma once
#include "core/arena.h"
#include "core/err.h"

/* +49 170 1234567 or 0049…; blanks and - ( ) / . are nothing. A national number (0170…) is a mistake: nobody says which country. */
int phone_check(const char *address, struct err *e) MUST_CHECK;
/* "+491701234567"; of a checked number. NULL: arena full. */
const char *phone_canonical(const char *address, struct arena *a);
/* A sender: up to 11 letters and digits without blanks, or a number of up to 16 digits. */
int phone_check_sender(const char *from, struct err *e) MUST_CHECK;
