/* test_smtp_replay: whole conversations, each replayed in every split: at once, byte by byte, cut at every place, the short ones at
 * every two. However the network tears it, the replies and the arrivals are the same. */
#include "talk.h"

static const struct smtp_user user_items[] = { { .name = "cam", .secret = "secret" }, { .name = "tim", .secret = "tanstaaf" } };

static const struct err too_large = { .code = ERR_LIMIT };
static const struct talk_way
    full = { .failed = &too_large },
    any = { .nonce = "n0nce" },
    users = { .nonce = "n0nce", .auth = SMTP_AUTH_USERS, .users = { user_items, COUNT(user_items) } },
    required = { .nonce = "n0nce", .auth = SMTP_AUTH_REQUIRED, .users = { user_items, COUNT(user_items) } },
    reolink = { .profile = "reolink" }, brief = { .profile = "short", .nonce = "n0nce" }, lf_dot = { .profile = "lf-dot" };

#define TEXT(text) text, sizeof(text) - 1
#define HEAD       "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
#define HEAD_OK    "250 2.1.0 ok\r\n250 2.1.5 ok\r\n"
#define GO         "354 end with <CR><LF>.<CR><LF>\r\n"
#define QUEUED     "250 2.0.0 queued as 01ID\r\n"
#define WELCOME    "235 2.7.0 welcome\r\n"
#define WRONG      "535 5.7.8 wrong user or password\r\n"
#define ASK_USER   "334 VXNlcm5hbWU6\r\n"
#define ASK_SECRET "334 UGFzc3dvcmQ6\r\n"
#define CRAM_0     "334 PG4wbmNlLjBAZ2F0ZT4=\r\n"
#define CRAM_1     "334 PG4wbmNlLjFAZ2F0ZT4=\r\n"
#define TIM_0      "dGltIDkzOTEyYTBmODY3YmE4NWY1NDM1NWQ1ZTA4OWY2MTg0\r\n"
#define TIM_1      "dGltIDlmYThmODk0OGI0ZTVjN2M4YWUwYjRmYmViYjY2NTlk\r\n"
#define EHLO_OF(mechanisms)                                                                                                    \
    "250-gate\r\n250-SIZE 400\r\n250-8BITMIME\r\n250-AUTH " mechanisms "\r\n250-AUTH=LOGIN PLAIN\r\n250-PIPELINING\r\n"        \
    "250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n"
#define EHLO_OK EHLO_OF("LOGIN PLAIN CRAM-MD5")
#define EVIL    "x\r\nMAIL FROM:<evil@x>\r\nRCPT TO:<y@z>\r\nDATA\r\n"

static const struct conversation {
    const char *name;
    const struct talk_way *way;
    const char *in;
    size_t in_bytes;
    const char *replies, *kept;
    size_t kept_bytes;
    const char *refused;
    enum smtp_want want;
} conversations[] = {
    { "a modern client", &any, TEXT("EHLO cam\r\n" HEAD "DATA\r\nhi\r\n.\r\nQUIT\r\n"), EHLO_OK HEAD_OK GO QUEUED "221 2.0.0 bye\r\n",
      TEXT("a@b>c@d:hi\r\n|"), "", SMTP_WANT_CLOSE },
    { "an old panel: HELO, blanks, no brackets, bare LF, no QUIT", &any,
      TEXT("helo\n\nmail from: panel@192.168.1.5 \nrcpt to: <'alarm@house'>\ndata\nhi\r\n.\r\n"),
      "250 gate\r\n" HEAD_OK GO QUEUED, TEXT("panel@192.168.1.5>alarm@house:hi\r\n|"), "", SMTP_WANT_READ },
    { "AUTH PLAIN at once", &any, TEXT("EHLO x\r\nAUTH PLAIN AGNhbQBzZWNyZXQ=\r\n" HEAD "DATA\r\n.\r\n"),
      EHLO_OK WELCOME HEAD_OK GO QUEUED, TEXT("cam:a@b>c@d:|"), "", SMTP_WANT_READ },
    { "AUTH PLAIN when asked, without EHLO", &any, TEXT("auth plain\r\nAGNhbQBzZWNyZXQ=\r\n" HEAD "DATA\r\n.\r\n"),
      "334 \r\n" WELCOME HEAD_OK GO QUEUED, TEXT("cam:a@b>c@d:|"), "", SMTP_WANT_READ },
    { "AUTH LOGIN after HELO", &any, TEXT("HELO x\r\nAuth Login\r\nY2Ft\r\nc2VjcmV0\r\n" HEAD "DATA\r\n.\r\n"),
      "250 gate\r\n" ASK_USER ASK_SECRET WELCOME HEAD_OK GO QUEUED, TEXT("cam:a@b>c@d:|"), "", SMTP_WANT_READ },
    { "AUTH LOGIN with the user at once", &any, TEXT("AUTH LOGIN Y2Ft\r\nc2VjcmV0\r\n" HEAD "DATA\r\n.\r\n"),
      ASK_SECRET WELCOME HEAD_OK GO QUEUED, TEXT("cam:a@b>c@d:|"), "", SMTP_WANT_READ },
    { "AUTH CRAM-MD5, taken at its word", &any, TEXT("AUTH CRAM-MD5\r\n" TIM_1 HEAD "DATA\r\n.\r\n"), CRAM_0 WELCOME HEAD_OK GO QUEUED,
      TEXT("tim:a@b>c@d:|"), "", SMTP_WANT_READ },
    { "AUTH given up at every question, then empty", &any,
      TEXT("AUTH PLAIN\r\n*\r\nAUTH LOGIN\r\n*\r\nAUTH LOGIN =\r\n*\r\nAUTH CRAM-MD5\r\n*\r\nAUTH PLAIN =\r\nAUTH PLAIN\r\n"),
      "334 \r\n501 5.7.0 authentication aborted\r\n" ASK_USER "501 5.7.0 authentication aborted\r\n" ASK_SECRET
      "501 5.7.0 authentication aborted\r\n" CRAM_0 "501 5.7.0 authentication aborted\r\n" WELCOME
      "503 5.5.1 already authenticated\r\n421 4.7.0 too many errors\r\n",
      TEXT(""), "errors=Smtp:MaxErrors;", SMTP_WANT_CLOSE },
    { "users: the right password, once wrong", &users,
      TEXT("EHLO x\r\nAUTH PLAIN AGNhbQB3cm9uZw==\r\nAUTH PLAIN AGNhbQBzZWNyZXQ=\r\n" HEAD "DATA\r\n.\r\n"),
      EHLO_OK WRONG WELCOME HEAD_OK GO QUEUED, TEXT("cam:a@b>c@d:|"), "login=Smtp:Users;", SMTP_WANT_READ },
    { "users: wrong ones name nobody", &users, TEXT("AUTH LOGIN Y2Ft\r\nd3Jvbmc=\r\n" HEAD "DATA\r\n.\r\n"),
      ASK_SECRET WRONG HEAD_OK GO QUEUED, TEXT("a@b>c@d:|"), "login=Smtp:Users;", SMTP_WANT_READ },
    { "users: CRAM-MD5, each challenge for once", &users,
      TEXT("AUTH CRAM-MD5 aXJyZWxldmFudA==\r\n" TIM_1 "AUTH CRAM-MD5\r\n" TIM_1 HEAD "DATA\r\n.\r\n"),
      CRAM_0 WRONG CRAM_1 WELCOME HEAD_OK GO QUEUED, TEXT("tim:a@b>c@d:|"), "login=Smtp:Users;", SMTP_WANT_READ },
    { "users: CRAM-MD5 at the first", &users, TEXT("AUTH CRAM-MD5\r\n" TIM_0 "AUTH PLAIN\r\n"),
      CRAM_0 WELCOME "503 5.5.1 already authenticated\r\n", TEXT(""), "", SMTP_WANT_READ },
    { "users: it cannot be checked now", &users, TEXT("AUTH PLAIN AGxhdGVyAHg=\r\nNOOP\r\n"),
      "454 4.7.0 cannot check this now, try again\r\n250 2.0.0 ok\r\n", TEXT(""), "", SMTP_WANT_READ },
    { "users: guessing ends", &users,
      TEXT("AUTH PLAIN =\r\nAUTH PLAIN =\r\nAUTH PLAIN =\r\nAUTH PLAIN =\r\nAUTH PLAIN =\r\nAUTH PLAIN =\r\n"),
      WRONG WRONG WRONG WRONG WRONG "421 4.7.0 too many errors\r\n", TEXT(""),
      "login=Smtp:Users;login=Smtp:Users;login=Smtp:Users;login=Smtp:Users;errors=Smtp:MaxErrors;", SMTP_WANT_CLOSE },
    { "required: MAIL before AUTH and after", &required, TEXT("EHLO x\r\n" HEAD "AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\n" HEAD "DATA\r\n.\r\n"),
      EHLO_OK "530 5.7.0 log in first\r\n503 5.5.1 need MAIL first\r\n" WELCOME HEAD_OK GO QUEUED, TEXT("tim:a@b>c@d:|"),
      "auth=Smtp:Auth;", SMTP_WANT_READ },
    { "BDAT in chunks with what looks like ends", &any,
      TEXT(HEAD "BDAT 10\r\n\r\n.\r\nQUIT\nBDAT 4 LAST\r\n\n.\r\nRSET\r\n"),
      HEAD_OK "250 2.0.0 10 octets taken\r\n" QUEUED "250 2.0.0 ok\r\n", TEXT("a@b>c@d:\r\n.\r\nQUIT\n\n.\r\n|"), "", SMTP_WANT_READ },
    { "BDAT where it may not be", &any, TEXT("BDAT 6 LAST\r\nQUIT\r\n" HEAD "BDAT 1\r\nxDATA\r\nRSET\r\nBDAT 0 LAST\r\n"),
      "503 5.5.1 need MAIL and RCPT first\r\n" HEAD_OK "250 2.0.0 1 octets taken\r\n503 5.5.1 a BDAT message is under way\r\n"
      "250 2.0.0 ok\r\n503 5.5.1 need MAIL and RCPT first\r\n",
      TEXT(""), "", SMTP_WANT_READ },
    { "all ten false ends in one mail", &any,
      TEXT(HEAD "DATA\r\n1\n.\n" EVIL "2\r.\r" EVIL "3\r.\n4\n.\r5\n.\r\n6\r\n.\n7\r.\r\n8\r\n.\r9\r\n\0.\r\nA\r\n.\0\r\nB\r\n.\r\n"),
      HEAD_OK GO QUEUED,
      TEXT("a@b>c@d:1\n.\n" EVIL "2\r.\r" EVIL "3\r.\n4\n.\r5\n.\r\n6\r\n\n7\r.\r\n8\r\n\r9\r\n\0.\r\nA\r\n\0\r\nB\r\n|"), "",
      SMTP_WANT_READ },
    { "the next mail in the packet of the final dot", &any,
      TEXT(HEAD "DATA\r\n1\r\n.\r\nMAIL FROM:<e@f>\r\nRCPT TO:<g@h>\r\nDATA\r\n..2\r\n.\r\nQUIT\r\n"),
      HEAD_OK GO QUEUED HEAD_OK GO QUEUED "221 2.0.0 bye\r\n", TEXT("a@b>c@d:1\r\n|e@f>g@h:.2\r\n|"), "", SMTP_WANT_CLOSE },
    { "everything wrong once", &any, TEXT("RCPT TO:<c@d>\r\nMAIL\r\nXYZ\r\nMAIL FROM:<a@b> FOO=1 SIZE=9\r\nRCPT TO:<c@d> BAR\r\nDATA\r\n.\r\n"),
      "503 5.5.1 need MAIL first\r\n501 5.1.7 bad sender, say MAIL FROM:<address>\r\n500 5.5.2 unknown command\r\n" HEAD_OK GO QUEUED,
      TEXT("a@b>c@d:|"), "", SMTP_WANT_READ },
    { "too many errors within a mail", &any, TEXT(HEAD "A\r\nB\r\nC\r\nD\r\nE\r\nNOOP\r\n"),
      HEAD_OK "500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n"
              "500 5.5.2 unknown command\r\n421 4.7.0 too many errors\r\n",
      TEXT(""), "errors=Smtp:MaxErrors;", SMTP_WANT_CLOSE },
    { "a mail that cannot be kept is one error too many: it shows at the next line", &full,
      TEXT("A\r\nB\r\nC\r\nD\r\n" HEAD "DATA\r\n.\r\nNOOP\r\nNOOP\r\n"),
      "500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n" HEAD_OK GO
      "552 5.3.4 message is larger than this gateway takes\r\n250 2.0.0 ok\r\n421 4.7.0 too many errors\r\n",
      TEXT("a@b>c@d:|"), "size=Smtp:MaxMessage;errors=Smtp:MaxErrors;", SMTP_WANT_CLOSE },
    { "reolink: EHLO is refused, HELO goes", &reolink, TEXT("EHLO cam\r\nHELO cam\r\nAUTH LOGIN\r\nY2Ft\r\nc2VjcmV0\r\n" HEAD "DATA\r\n.\r\n"),
      "502 5.5.1 not implemented, say HELO\r\n250 gate\r\n" ASK_USER ASK_SECRET WELCOME HEAD_OK GO QUEUED, TEXT("cam:a@b>c@d:|"), "",
      SMTP_WANT_READ },
    { "short: the short list", &brief, TEXT("EHLO cam\r\n"), "250-gate\r\n250-SIZE 400\r\n250-8BITMIME\r\n250 AUTH LOGIN PLAIN\r\n",
      TEXT(""), "", SMTP_WANT_READ },
    { "lf-dot: a device that knows no CR", &lf_dot,
      TEXT("HELO x\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n..x\n.y\n\r.\n\n.\n" TALK_WAITS "MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n.\n" TALK_WAITS
           "MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n\n.\r\n" TALK_WAITS "QUIT\n"),
      "250 gate\r\n" HEAD_OK GO QUEUED HEAD_OK GO QUEUED HEAD_OK GO QUEUED "221 2.0.0 bye\r\n",
      TEXT("a@b>c@d:.x\ny\n\r.\n\n|a@b>c@d:|a@b>c@d:\n|"), "", SMTP_WANT_CLOSE },
};

static void say_which(const struct conversation *c, const struct talk *t)
{
    if (strcmp(buf_str(&t->replies), c->replies) != 0 || t->kept.len != c->kept_bytes)
        print_message("conversation: %s\n%s", c->name, buf_str(&t->replies));
}

static void test_a_conversation_is_the_same_in_every_split(void **state)
{
    (void)state;
    enum { PAIRS_UP_TO = 90 };
    for (size_t i = 0; i < COUNT(conversations); i++) {
        const struct conversation *c = &conversations[i];
        struct talk t;
        talk_every_way(&t, c->way, c->in, c->in_bytes, PAIRS_UP_TO);
        say_which(c, &t);
        assert_string_equal(buf_str(&t.replies), c->replies);
        assert_int_equal(t.kept.len, c->kept_bytes);
        assert_memory_equal(buf_str(&t.kept), c->kept, c->kept_bytes);
        assert_string_equal(buf_str(&t.refused), c->refused);
        assert_int_equal(t.want, c->want);
        talk_done(&t);
    }
}

/* A named device's LF.LF must not let anybody hide a second mail in the first: what comes before our answer ends it. */
static void test_bytes_behind_lf_dot_end_the_conversation_and_the_mail_is_kept(void **state)
{
    (void)state;
    static const char in[] = "MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\nhi\n.\nMAIL FROM:<evil@x>\nRCPT TO:<y@z>\nDATA\nevil\n.\n";
    static const size_t whole[2];
    struct talk t;
    talk_cut(&t, &lf_dot, in, sizeof in - 1, whole, sizeof in);
    assert_string_equal(buf_str(&t.replies), HEAD_OK GO QUEUED "554 5.5.0 wait for the answer to your message before you say more\r\n");
    assert_string_equal(buf_str(&t.kept), "a@b>c@d:hi\n|");
    assert_int_equal(t.want, SMTP_WANT_CLOSE);
    talk_done(&t);
}

static void test_bytes_that_come_while_the_mail_is_written_are_early_too(void **state)
{
    (void)state;
    static const struct {
        const struct talk_way *way;
        const char *reply;
    } cases[] = { { &lf_dot, QUEUED "554 5.5.0 wait for the answer to your message before you say more\r\n" }, { &any, QUEUED } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        static const char in[] = HEAD "DATA\r\nhi\r\n.\r\n";
        struct smtp_session *s = talk_session(cases[i].way);
        size_t used;
        assert_int_equal(smtp_session_feed(s, in, sizeof in - 1, &used), SMTP_WANT_COMMIT);
        buf_clear(smtp_session_out(s));
        smtp_session_came_early(s);
        smtp_session_committed(s, "01ID", NULL);
        assert_string_equal(buf_str(smtp_session_out(s)), cases[i].reply);
        smtp_session_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_conversation_is_the_same_in_every_split),
        cmocka_unit_test(test_bytes_behind_lf_dot_end_the_conversation_and_the_mail_is_kept),
        cmocka_unit_test(test_bytes_that_come_while_the_mail_is_written_are_early_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
