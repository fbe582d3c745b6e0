/* contact_id: the language that alarm receivers speak (Ademco Contact-ID), as panels send it by mail, and one day over TCP. Pure: bytes
 * in, a message out; knows no mail. Facts: docs/devices/contact-id.md.
 *
 *   "[" account " " type qualifier code group number sum "]"        [test 18313100003D504]      Climax, Lupusec
 *   account " " type " " qualifier code " " group " " number " " sum  1234 18 1131 01 015 8     the classic form
 *   the same without blanks                                            1234181131010158            account four hex digits, check digit right
 *   type 18 or 98 · qualifier 1, 3, 6 · code three digits · group two · number three: a zone's or a user's, by the code */
#pragma once
#include "core/event.h"

enum contact_id_sum {
    CONTACT_ID_SUM_NONE,
    CONTACT_ID_SUM_RIGHT, /* four hex digits (Fletcher) or one (check digit) that fit */
    CONTACT_ID_SUM_WRONG, /* damaged, or made by a panel that cannot count: believed, and said */
};
enum { CONTACT_ID_NEW = 1, CONTACT_ID_RESTORED = 3, CONTACT_ID_STILL = 6 };
enum { CONTACT_ID_MAX = 128 }; /* bytes of a message; a longer one is none */

struct contact_id {
    const char *whole; /* borrowed from what was read: from the bracket, or the account, to the end */
    size_t      length;
    const char *account; /* any text without brackets */
    size_t      account_length;
    int         qualifier; /* "new event or opening", "restore or closing", "still present", or another digit */
    int         code, group, number;
    bool        is_in_brackets;
    enum contact_id_sum sum;
};

/* Reads the message that begins at s with "[" or "<" and ends at its bracket; or, without a bracket, one that is all of s. Bytes
 * taken; 0: none. */
size_t contact_id_read(const char *s, size_t n, struct contact_id *out) MUST_CHECK;

/* Adds what the message means, in the words of this language ("de", else English). NULL: no room. */
struct event *contact_id_event(const struct contact_id *c, const char *language, struct events *out);

/* --- the table (contact_id_codes.c) --------------------------------------------------------------------------- */

enum contact_id_who { CONTACT_ID_ZONE, CONTACT_ID_USER };

struct contact_id_code {
    short               first, last;
    enum contact_id_who who;     /* what the last field numbers                                     */
    const char         *kind;
    const char         *closing; /* with qualifier 3; NULL: the same, restored                      */
    enum severity       least;   /* told no milder than this; SEVERITY_INFO: as its kind            */
    const char         *en, *de; /* its name                                                        */
};
/* NULL: no such code. */
const struct contact_id_code *contact_id_code(int code);
/* Every row, in order of code; NULL after the last. */
const struct contact_id_code *contact_id_code_at(size_t i);
