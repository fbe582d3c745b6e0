/* test_smtp_session: dialogues in and out, each fed whole, byte by byte, and cut in two at every place. */
#include "talk.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct dialogue {
    const char *name, *in, *replies, *kept, *refused;
    enum smtp_want want;
};

#define HEAD    "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
#define HEAD_OK "250 2.1.0 ok\r\n250 2.1.5 ok\r\n"
#define GO      "354 end with <CR><LF>.<CR><LF>\r\n"
#define QUEUED  "250 2.0.0 queued as 01ID\r\n"
#define CAPABILITIES                                                                                                           \
    "250-gate\r\n250-SIZE 400\r\n250-8BITMIME\r\n250-AUTH LOGIN PLAIN\r\n250-AUTH=LOGIN PLAIN\r\n250-PIPELINING\r\n"           \
    "250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n"

static const struct dialogue dialogues[] = {
    { "a mail from EHLO to QUIT", "EHLO cam\r\n" HEAD "DATA\r\nhi\r\n.\r\nQUIT\r\n",
      CAPABILITIES HEAD_OK GO QUEUED "221 2.0.0 bye\r\n", "a@b>c@d:hi\r\n|", "", SMTP_WANT_CLOSE },
    { "HELO gets one line", "HELO cam\r\n", "250 gate\r\n", "", "", SMTP_WANT_READ },
    { "HELO without a name, with a bad name", "HELO\r\nhelo my_cam 1\r\n", "250 gate\r\n250 gate\r\n", "", "", SMTP_WANT_READ },
    { "MAIL without HELO", HEAD "DATA\r\n.\r\n", HEAD_OK GO QUEUED, "a@b>c@d:|", "", SMTP_WANT_READ },
    { "the null sender", "MAIL FROM:<>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\n", HEAD_OK GO QUEUED, ">c@d:|", "", SMTP_WANT_READ },
    { "commands in any case, with blanks, ended by LF", "mail from: <a@b>  \nrCpT  to :\t<c@d>\t\ndata \r\nx\r\n.\r\n",
      HEAD_OK GO QUEUED, "a@b>c@d:x\r\n|", "", SMTP_WANT_READ },
    { "no brackets", "MAIL FROM:a@b SIZE=9\r\nRCPT TO: c@d\r\nDATA\r\n.\r\n", HEAD_OK GO QUEUED, "a@b>c@d:|", "",
      SMTP_WANT_READ },
    { "a bracket that is not closed", "MAIL FROM:<a@b\r\nRCPT TO:<c@d\r\nDATA\r\n.\r\n", HEAD_OK GO QUEUED, "a@b>c@d:|", "",
      SMTP_WANT_READ },
    { "quotes in the brackets, a name in front", "MAIL FROM:<'a@b'>\r\nRCPT TO: Cam <c@d>\r\nDATA\r\n.\r\n", HEAD_OK GO QUEUED,
      "a@b>c@d:|", "", SMTP_WANT_READ },
    { "a source route is stripped", "MAIL FROM:<@x,@y:a@b>\r\nRCPT TO:<@x:c@[192.168.1.5]>\r\nDATA\r\n.\r\n", HEAD_OK GO QUEUED,
      "a@b>c@[192.168.1.5]:|", "", SMTP_WANT_READ },
    { "a quoted local part", "MAIL FROM:<\"a>\\\" b\"@c> BODY=8BITMIME\r\nRCPT TO:<postmaster>\r\nDATA\r\n.\r\n",
      HEAD_OK GO QUEUED, "\"a>\\\" b\"@c>postmaster:|", "", SMTP_WANT_READ },
    { "UTF-8 in addresses", "MAIL FROM:<straße@b> SMTPUTF8\r\nRCPT TO:<tür@d>\r\nDATA\r\n.\r\n", HEAD_OK GO QUEUED,
      "straße@b>tür@d:|", "", SMTP_WANT_READ },
    { "blank lines between commands", "\r\n\nNOOP\r\n\r\n", "250 2.0.0 ok\r\n", "", "", SMTP_WANT_READ },
    { "NOOP, RSET, VRFY, HELP", "NOOP x\r\nRSET\r\nVRFY a\r\nHELP\r\n",
      "250 2.0.0 ok\r\n250 2.0.0 ok\r\n252 2.0.0 send it and see\r\n214 2.0.0 EHLO HELO AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY "
      "QUIT\r\n",
      "", "", SMTP_WANT_READ },
    { "what we do not do", "EXPN a\r\nSTARTTLS\r\nXYZ\r\n",
      "502 5.5.1 not implemented\r\n454 4.7.0 TLS is not available\r\n500 5.5.2 unknown command\r\n", "", "", SMTP_WANT_READ },
    { "the wrong order", "RCPT TO:<c@d>\r\nDATA\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\n",
      "503 5.5.1 need MAIL first\r\n503 5.5.1 need MAIL and RCPT first\r\n250 2.1.0 ok\r\n503 5.5.1 a mail is under way\r\n",
      "", "", SMTP_WANT_READ },
    { "DATA before RCPT, and after a bad one", "MAIL FROM:<a@b>\r\nDATA\r\nRCPT TO:<>\r\nDATA\r\n",
      "250 2.1.0 ok\r\n503 5.5.1 need RCPT first\r\n501 5.1.3 bad recipient, say RCPT TO:<address>\r\n554 5.5.1 no valid "
      "recipients\r\n",
      "", "", SMTP_WANT_READ },
    { "bad syntax of MAIL", "MAIL a@b\r\nMAIL FROM:<a\x01@b>\r\n",
      "501 5.1.7 bad sender, say MAIL FROM:<address>\r\n501 5.1.7 bad sender, say MAIL FROM:<address>\r\n", "", "",
      SMTP_WANT_READ },
    { "bad syntax of RCPT", "MAIL FROM:<a@b> AUTH=<> BODY=7bit\r\nRCPT c@d\r\n",
      "250 2.1.0 ok\r\n501 5.1.3 bad recipient, say RCPT TO:<address>\r\n", "", "", SMTP_WANT_READ },
    { "parameters of DSN, and such as nobody knows",
      "MAIL FROM:<a@b> RET=HDRS ENVID=x+2By SIZE=x BODY=BINARYMIME FOO=1\r\n"
      "RCPT TO:<c@d> NOTIFY=SUCCESS,delay ORCPT=rfc822;c@d BAR\r\nDATA\r\n.\r\n",
      HEAD_OK GO QUEUED, "a@b>c@d:|", "", SMTP_WANT_READ },
    { "BDAT in one chunk", HEAD "BDAT 6 LAST\r\n.\r\nhi\nQUIT\r\n", HEAD_OK QUEUED "221 2.0.0 bye\r\n", "a@b>c@d:.\r\nhi\n|", "",
      SMTP_WANT_CLOSE },
    { "BDAT in chunks, the last one empty", HEAD "bdat 3\r\n\r\n.BDAT 2\n\r\nNOOP\r\nBDAT 0 last\r\n" HEAD "DATA\r\n.\r\n",
      HEAD_OK "250 2.0.0 3 octets taken\r\n250 2.0.0 2 octets taken\r\n250 2.0.0 ok\r\n" QUEUED HEAD_OK GO QUEUED,
      "a@b>c@d:\r\n.\r\n|a@b>c@d:|", "", SMTP_WANT_READ },
    { "BDAT of nothing at all", HEAD "BDAT 0 LAST\r\n", HEAD_OK QUEUED, "a@b>c@d:|", "", SMTP_WANT_READ },
    { "an empty chunk that is not the last", HEAD "BDAT 0\r\nBDAT 1\r\nxBDAT 0\r\nBDAT 1 LAST\r\ny",
      HEAD_OK "551 5.7.1 an empty chunk says nothing\r\n250 2.0.0 1 octets taken\r\n551 5.7.1 an empty chunk says nothing\r\n" QUEUED,
      "a@b>c@d:xy|", "", SMTP_WANT_READ },
    { "BDAT and DATA do not mix", HEAD "BDAT 1\r\nxDATA\r\nRCPT TO:<e@f>\r\nMAIL FROM:<e@f>\r\nBDAT 1 LAST\r\ny",
      HEAD_OK "250 2.0.0 1 octets taken\r\n503 5.5.1 a BDAT message is under way\r\n503 5.5.1 a BDAT message is under way\r\n"
              "503 5.5.1 a BDAT message is under way\r\n" QUEUED,
      "a@b>c@d:xy|", "", SMTP_WANT_READ },
    { "a chunk where none may come is no command", "BDAT 6 LAST\r\nNOOP\r\nMAIL FROM:<a@b>\r\nBDAT 6\r\nQUIT\r\nRCPT TO:<>\r\nBDAT 6\r\nQUIT\r\n",
      "503 5.5.1 need MAIL and RCPT first\r\n250 2.1.0 ok\r\n503 5.5.1 need RCPT first\r\n501 5.1.3 bad recipient, say RCPT "
      "TO:<address>\r\n554 5.5.1 no valid recipients\r\n",
      "", "", SMTP_WANT_READ },
    { "RSET forgets chunks", HEAD "BDAT 2\r\nxxRSET\r\n" HEAD "BDAT 1 LAST\r\ny" HEAD "BDAT 2\r\nxxEHLO cam\r\nBDAT 0 LAST\r\n",
      HEAD_OK "250 2.0.0 2 octets taken\r\n250 2.0.0 ok\r\n" HEAD_OK QUEUED HEAD_OK
              "250 2.0.0 2 octets taken\r\n" CAPABILITIES "503 5.5.1 need MAIL and RCPT first\r\n",
      "a@b>c@d:y|", "", SMTP_WANT_READ },
    { "a chunk nobody can count", HEAD "BDAT x LAST\r\nNOOP\r\n", HEAD_OK "501 5.5.4 say BDAT octets [LAST]\r\n", "", "",
      SMTP_WANT_CLOSE },
    { "other chunks nobody can count", "BDAT 3 FIRST\r\n", "501 5.5.4 say BDAT octets [LAST]\r\n", "", "", SMTP_WANT_CLOSE },
    { "a chunk beyond all patience", HEAD "BDAT 802\r\nNOOP\r\n", HEAD_OK "552 5.3.4 message is larger than this gateway takes\r\n",
      "", "size=Smtp:MaxMessage;", SMTP_WANT_CLOSE },
    { "… outside a mail", "BDAT 99999999999999999 LAST\r\nNOOP\r\n", "552 5.3.4 message is larger than this gateway takes\r\n", "",
      "", SMTP_WANT_CLOSE },
    { "RSET and a second EHLO forget the mail", HEAD "RSET\r\nDATA\r\n" HEAD "HELO x\r\nDATA\r\n",
      HEAD_OK "250 2.0.0 ok\r\n503 5.5.1 need MAIL and RCPT first\r\n" HEAD_OK
              "250 gate\r\n503 5.5.1 need MAIL and RCPT first\r\n",
      "", "", SMTP_WANT_READ },
    { "a second mail in the same packet as the final dot",
      HEAD "DATA\r\n1\r\n.\r\nMAIL FROM:<e@f>\r\nRCPT TO:<g@h>\r\nDATA\r\n2\r\n.\r\n", HEAD_OK GO QUEUED HEAD_OK GO QUEUED,
      "a@b>c@d:1\r\n|e@f>g@h:2\r\n|", "", SMTP_WANT_READ },
    { "dots are taken off", HEAD "DATA\r\n..\r\n.a\r\n...b\r\n\r\n.\r\n", HEAD_OK GO QUEUED, "a@b>c@d:.\r\na\r\n..b\r\n\r\n|",
      "", SMTP_WANT_READ },
    { "SIZE beyond the limit", "MAIL FROM:<a@b> SIZE=401\r\nMAIL FROM:<a@b> SIZE=99999999999999999999999\r\n",
      "552 5.3.4 message is larger than this gateway takes\r\n552 5.3.4 message is larger than this gateway takes\r\n", "",
      "size=Smtp:MaxMessage;size=Smtp:MaxMessage;", SMTP_WANT_READ },
    { "too many recipients, the first stay", HEAD "RCPT TO:<2>\r\nRCPT TO:<3>\r\nRCPT TO:<4>\r\nRCPT TO:<5>\r\nDATA\r\n.\r\n",
      HEAD_OK "250 2.1.5 ok\r\n250 2.1.5 ok\r\n452 4.5.3 too many recipients\r\n452 4.5.3 too many recipients\r\n" GO QUEUED,
      "a@b>c@d,2,3:|", "recipients=Smtp:MaxRecipients;", SMTP_WANT_READ },
    { "AUTH PLAIN with and without a first response", "AUTH PLAIN AGNhbQBzZWNyZXQ=\r\nAUTH LOGIN\r\n",
      "235 2.7.0 welcome\r\n503 5.5.1 already authenticated\r\n", "", "", SMTP_WANT_READ },
    { "AUTH PLAIN asks", "auth plain\r\nAGNhbQBzZWNyZXQ=\r\n", "334 \r\n235 2.7.0 welcome\r\n", "", "", SMTP_WANT_READ },
    { "AUTH LOGIN after HELO", "HELO x\r\nauth login\r\nY2Ft\r\nc2VjcmV0\r\n",
      "250 gate\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 2.7.0 welcome\r\n", "", "", SMTP_WANT_READ },
    { "AUTH LOGIN with the user in the command", "AUTH LOGIN Y2Ft\r\n\r\n", "334 UGFzc3dvcmQ6\r\n235 2.7.0 welcome\r\n", "", "",
      SMTP_WANT_READ },
    { "AUTH with an empty response", "AUTH PLAIN =\r\n", "235 2.7.0 welcome\r\n", "", "", SMTP_WANT_READ },
    { "AUTH aborted at every question", "AUTH PLAIN\r\n*\r\nAUTH LOGIN\r\n*\r\nAUTH LOGIN Y2Ft\r\n*\r\nNOOP\r\n",
      "334 \r\n501 5.7.0 authentication aborted\r\n334 VXNlcm5hbWU6\r\n501 5.7.0 authentication aborted\r\n334 UGFzc3dvcmQ6\r\n"
      "501 5.7.0 authentication aborted\r\n250 2.0.0 ok\r\n",
      "", "", SMTP_WANT_READ },
    { "AUTH that is not base64", "AUTH PLAIN ?\r\nAUTH LOGIN ?\r\n",
      "501 5.5.2 this is not base64\r\n501 5.5.2 this is not base64\r\n", "", "", SMTP_WANT_READ },
    { "AUTH of a kind we do not know, and in a mail", "AUTH CRAM-MD5\r\nMAIL FROM:<a@b>\r\nAUTH PLAIN\r\n",
      "504 5.5.4 not this mechanism; EHLO lists ours\r\n250 2.1.0 ok\r\n503 5.5.1 a mail is under way\r\n", "", "", SMTP_WANT_READ },
    { "too many errors", "A\r\nB\r\nC\r\nD\r\nE\r\nNOOP\r\n",
      "500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n"
      "500 5.5.2 unknown command\r\n421 4.7.0 too many errors\r\n",
      "", "errors=Smtp:MaxErrors;", SMTP_WANT_CLOSE },
    { "too many errors within a mail", HEAD "A\r\nB\r\nC\r\nD\r\nE\r\n",
      HEAD_OK
      "500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n"
      "500 5.5.2 unknown command\r\n421 4.7.0 too many errors\r\n",
      "", "errors=Smtp:MaxErrors;", SMTP_WANT_CLOSE },
    { "too much junk", "\n\n\n\nRSET\r\nNOOP\r\nNOOP\r\n",
      "250 2.0.0 ok\r\n250 2.0.0 ok\r\n250 2.0.0 ok\r\n421 4.7.0 too many commands without a mail\r\n", "",
      "junk=Smtp:MaxIdleCommands;", SMTP_WANT_CLOSE },
    { "a mail that is kept pays for errors and junk", "A\r\nB\r\nC\r\n" HEAD "DATA\r\n.\r\nA\r\nB\r\nC\r\n",
      "500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n" HEAD_OK GO QUEUED
      "500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n500 5.5.2 unknown command\r\n",
      "a@b>c@d:|", "", SMTP_WANT_READ },
    { "a web page's request", "POST / HTTP/1.1\r\nHost: x\r\n\r\n" HEAD, "554 5.7.0 this is SMTP\r\n", "", "",
      SMTP_WANT_CLOSE },
};

static void test_dialogues_have_the_same_end_however_they_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(dialogues); i++) {
        const struct dialogue *d = &dialogues[i];
        struct talk t;
        talk_every_way(&t, NULL, d->in, strlen(d->in), 0);
        if (strcmp(buf_str(&t.replies), d->replies) != 0)
            print_message("dialogue: %s\n", d->name);
        assert_string_equal(buf_str(&t.replies), d->replies);
        assert_string_equal(buf_str(&t.kept), d->kept);
        assert_string_equal(buf_str(&t.refused), d->refused);
        assert_int_equal(t.want, d->want);
        talk_done(&t);
    }
}

static const struct false_end {
    const char *bytes;
    size_t length;
    const char *kept; /* NULL: as it came */
    size_t kept_length;
} false_ends[] = {
    { "\n.\n", 3, NULL, 0 },
    { "\r.\r", 3, NULL, 0 },
    { "\r.\n", 3, NULL, 0 },
    { "\n.\r", 3, NULL, 0 },
    { "\n.\r\n", 4, NULL, 0 },
    { "\r.\r\n", 4, NULL, 0 },
    { "\r\n\0.\r\n", 6, NULL, 0 },
    /* these are lines that begin with a dot and hold more: the dot is taken off, as from any other */
    { "\r\n.\n", 4, "\r\n\n", 3 },
    { "\r\n.\r", 4, "\r\n\r", 3 },
    { "\r\n.\0\r\n", 6, "\r\n\0\r\n", 5 },
};

static void put_false_end(struct buf *in, struct buf *kept, const struct false_end *f)
{
    static const char evil[] = "xMAIL FROM:<evil@x>\r\nRCPT TO:<y@z>\r\nDATA\r\nb";
    buf_puts(in, HEAD "DATA\r\na");
    buf_put(in, f->bytes, f->length);
    buf_puts(in, evil);
    buf_puts(in, "\r\n.\r\n");
    buf_puts(kept, "a@b>c@d:a");
    buf_put(kept, f->kept ? f->kept : f->bytes, f->kept ? f->kept_length : f->length);
    buf_puts(kept, evil);
    buf_puts(kept, "\r\n|");
}

static void test_a_false_end_is_part_of_the_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(false_ends); i++) {
        struct buf in, kept;
        buf_init(&in, 4096);
        buf_init(&kept, 4096);
        put_false_end(&in, &kept, &false_ends[i]);
        struct talk t;
        talk_every_way(&t, NULL, in.data, in.len, 0);
        assert_string_equal(buf_str(&t.replies), HEAD_OK GO QUEUED);
        assert_int_equal(t.kept.len, kept.len);
        assert_memory_equal(t.kept.data, kept.data, kept.len);
        talk_done(&t);
        buf_done(&in);
        buf_done(&kept);
    }
}

static void test_a_false_end_is_remembered_while_nothing_follows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(false_ends); i++) {
        struct smtp_session *s = talk_session(NULL);
        struct talk t;
        talk_init(&t, NULL);
        talk_say(&t, s, HEAD "DATA\r\nhello");
        assert_false(smtp_session_saw_false_end(s));
        for (size_t k = 0; k < false_ends[i].length; k++)
            talk_feed(&t, s, false_ends[i].bytes + k, 1);
        assert_true(smtp_session_saw_false_end(s));
        talk_say(&t, s, "forty more bytes say that it was no end.");
        assert_false(smtp_session_saw_false_end(s));
        talk_done(&t);
        smtp_session_free(&s);
    }
}

static void put_many(struct buf *b, const char *line, size_t bytes)
{
    for (size_t n = 0; n < bytes; n += strlen(line))
        buf_puts(b, line);
}

static void test_a_message_over_the_limit_is_read_to_its_end_and_refused(void **state)
{
    (void)state;
    struct buf in;
    buf_init(&in, 8192);
    buf_puts(&in, HEAD "DATA\r\n");
    put_many(&in, "12345678\r\n", 500);
    buf_puts(&in, ".\r\nNOOP\r\n");
    struct talk t;
    talk_every_way(&t, NULL, in.data, in.len, 0);
    assert_string_equal(buf_str(&t.replies),
                        HEAD_OK GO "552 5.3.4 message is larger than this gateway takes\r\n250 2.0.0 ok\r\n");
    assert_string_equal(buf_str(&t.refused), "size=Smtp:MaxMessage;");
    assert_int_equal(t.kept.len, 0);
    talk_done(&t);
    buf_done(&in);
}

static void test_a_message_of_exactly_the_limit_is_kept(void **state)
{
    (void)state;
    struct buf in;
    buf_init(&in, 8192);
    buf_puts(&in, HEAD "DATA\r\n");
    put_many(&in, "12345678\r\n", 400);
    buf_puts(&in, ".\r\n");
    struct talk t;
    talk_every_way(&t, NULL, in.data, in.len, 0);
    assert_string_equal(buf_str(&t.replies), HEAD_OK GO QUEUED);
    talk_done(&t);
    buf_done(&in);
}

static void test_a_message_without_end_is_cut_off(void **state)
{
    (void)state;
    struct smtp_session *s = talk_session(NULL);
    struct talk t;
    talk_init(&t, NULL);
    talk_say(&t, s, HEAD "DATA\r\n");
    for (int i = 0; i < 80; i++)
        talk_say(&t, s, "12345678\r\n");
    assert_int_equal(t.want, SMTP_WANT_READ);
    talk_say(&t, s, "12345678\r\n");
    talk_say(&t, s, "12345678\r\n");
    assert_int_equal(t.want, SMTP_WANT_CLOSE);
    assert_string_equal(buf_str(&t.refused), "size=Smtp:MaxMessage;");
    talk_done(&t);
    smtp_session_free(&s);
}

static void test_lines_have_a_ceiling_and_auth_has_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        size_t bytes;
        const char *reply;
    } lines[] = {
        { "NOOP ", 88, "250 2.0.0 ok\r\n" },
        { "NOOP ", 100, "500 5.5.2 line too long\r\n" },
        { "NOOP ", 20000, "500 5.5.2 line too long\r\n" },
        { "AUTH PLAIN ", 12000, "235 2.7.0 welcome\r\n" },
        { "AUTH PLAIN ", 12400, "500 5.5.6 line too long\r\n" },
        { "AUTH PLAIN\r\n", 12400, "334 \r\n500 5.5.6 line too long\r\n" },
        { "AUTH PLAIN\r\n", 12000, "334 \r\n235 2.7.0 welcome\r\n" },
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct buf in;
        buf_init(&in, 32 * 1024);
        buf_puts(&in, lines[i].before);
        put_many(&in, "AGEAYgBj", lines[i].bytes); /* \0a\0b\0c, again and again */
        buf_puts(&in, "\r\nNOOP\r\n");
        struct talk whole, pieces;
        static const size_t no_cuts[2];
        talk_cut(&whole, NULL, in.data, in.len, no_cuts, in.len);
        talk_cut(&pieces, NULL, in.data, in.len, no_cuts, 7);
        talk_assert_same(&whole, &pieces);
        assert_memory_equal(whole.replies.data, lines[i].reply, strlen(lines[i].reply));
        assert_string_equal(buf_str(&whole.replies) + strlen(lines[i].reply), "250 2.0.0 ok\r\n");
        talk_done(&whole);
        talk_done(&pieces);
        buf_done(&in);
    }
}

static void test_a_command_with_a_nul_is_refused(void **state)
{
    (void)state;
    static const char in[] = "MAIL FROM:<a\0@b>\r\nNOOP\r\n";
    struct talk t;
    talk_every_way(&t, NULL, in, sizeof in - 1, 0);
    assert_string_equal(buf_str(&t.replies), "500 5.5.2 a command holds no NUL\r\n250 2.0.0 ok\r\n");
    talk_done(&t);
}

static void test_nuls_around_a_command_are_nothing(void **state)
{
    (void)state;
    static const char in[] = "\0NOOP\0\0\r\n\0\0\r\n\0AUTH LOGIN\r\n\0Y2Ft\0\r\n\0c2VjcmV0\0\r\n";
    struct talk t;
    talk_every_way(&t, NULL, in, sizeof in - 1, 0);
    assert_string_equal(buf_str(&t.replies), "250 2.0.0 ok\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 2.7.0 welcome\r\n");
    talk_done(&t);
}

static void test_what_cannot_be_kept_is_answered_by_its_reason(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        const char *reply, *refused;
    } answers[] = {
        { ERR_FULL, "452 4.3.1 no room to keep this message\r\n", "storage=Store:MaxBytes;" },
        { ERR_IO, "451 4.3.0 cannot keep this message now\r\n", "storage=Store:Folder;" },
        { ERR_BUSY, "451 4.3.0 cannot keep this message now\r\n", "storage=Store:Folder;" },
        { ERR_NOMEM, "451 4.3.0 cannot keep this message now\r\n", "storage=Store:Folder;" },
    };
    static const char in[] = HEAD "DATA\r\nx\r\n.\r\n" HEAD;
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct err failed = { .code = answers[i].code, .text = "/secret/path" };
        struct talk t;
        talk_every_way(&t, &(struct talk_way){ .failed = &failed }, in, sizeof in - 1, 0);
        CLEANUP(buf_done) struct buf expected;
        buf_init(&expected, 4096);
        buf_printf(&expected, "%s%s%s", HEAD_OK GO, answers[i].reply, HEAD_OK);
        assert_string_equal(buf_str(&t.replies), buf_str(&expected));
        assert_string_equal(buf_str(&t.refused), answers[i].refused);
        talk_done(&t);
    }
}

static void test_a_body_that_could_not_be_spooled_is_read_to_its_end(void **state)
{
    (void)state;
    struct smtp_session *s = talk_session(NULL);
    struct talk t;
    talk_init(&t, NULL);
    talk_say(&t, s, HEAD "DATA\r\nfirst\r\n");
    struct err failed = { .code = ERR_FULL };
    smtp_session_body_failed(s, &failed);
    assert_int_equal(smtp_session_body(s)->len, 0);
    talk_say(&t, s, "second\r\n");
    assert_int_equal(smtp_session_body(s)->len, 0);
    talk_say(&t, s, ".\r\n");
    assert_string_equal(buf_str(&t.replies), HEAD_OK GO "452 4.3.1 no room to keep this message\r\n");
    assert_int_equal(t.kept.len, 0);
    talk_say(&t, s, HEAD "DATA\r\nx\r\n.\r\n"); /* the next one is not spoiled by it */
    assert_string_equal(buf_str(&t.kept), "a@b>c@d:x\r\n|");
    talk_done(&t);
    smtp_session_free(&s);
}

static void test_the_server_may_end_it_at_any_time(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        enum smtp_end why;
        const char *reply, *refused;
    } cases[] = {
        { "", SMTP_END_SILENT, "421 4.4.2 timeout, no command came\r\n", "timeout=Smtp:CommandTimeout;" },
        { HEAD, SMTP_END_SILENT, HEAD_OK "421 4.4.2 timeout, no command came\r\n", "timeout=Smtp:CommandTimeout;" },
        { HEAD "DATA\r\nx\n.\n", SMTP_END_STALLED, HEAD_OK GO "421 4.4.2 timeout, the end of the message did not come\r\n",
          "timeout=Smtp:DataTimeout;" },
        { "AUTH PLAIN\r\n", SMTP_END_TOO_LONG, "334 \r\n421 4.4.2 timeout, this conversation is too long\r\n",
          "timeout=Smtp:SessionTimeout;" },
        { "", SMTP_END_CROWDED, "421 4.7.0 too many connections\r\n", "" },
        { HEAD "DATA\r\nx", SMTP_END_SLOW, HEAD_OK GO "421 4.4.2 timeout, the message comes too slowly\r\n",
          "slow=Smtp:MinBytesPerSecond;" },
        { HEAD "DATA\r\nx", SMTP_END_ENDLESS, HEAD_OK GO "421 4.4.2 timeout, the message takes too long\r\n",
          "timeout=Smtp:MessageTimeout;" },
        { HEAD, SMTP_END_CROWDED, HEAD_OK "421 4.7.0 too many connections\r\n", "connections=Smtp:MaxConnections;" },
        { HEAD, SMTP_END_STOPPING, HEAD_OK "421 4.3.2 this gateway is stopping, try again\r\n", "" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct smtp_session *s = talk_session(NULL);
        struct talk t;
        talk_init(&t, NULL);
        talk_say(&t, s, cases[i].said);
        smtp_session_end(s, cases[i].why);
        talk_note_refusal(&t, s);
        talk_say(&t, s, "NOOP\r\n");
        assert_string_equal(buf_str(&t.replies), cases[i].reply);
        assert_string_equal(buf_str(&t.refused), cases[i].refused);
        assert_int_equal(t.want, SMTP_WANT_CLOSE);
        talk_done(&t);
        smtp_session_free(&s);
    }
}

static const struct smtp_refusal often = { "450 4.7.1 too often", "Smtp:MailsPerMinute", "rate", true };
static const struct smtp_refusal busy = { "421 4.3.2 too busy", "Smtp:MaxMemory", "overload", true };

/* What is told to be 450 bytes is refused with 450, 421 with 421. */
static const struct smtp_refusal *refuses(void *user, uint64_t size)
{
    (void)user;
    return size == 450 ? &often : size == 421 ? &busy : NULL;
}

static void test_the_server_may_refuse_a_mail_at_its_beginning(void **state)
{
    (void)state;
    const struct smtp_gate_keeper keeper = { .refuses = refuses };
    struct smtp_limits limits = talk_limits;
    limits.message_bytes = 1000;
    struct smtp_session *s = talk_session(&(struct talk_way){ .limits = &limits });
    struct talk t;
    talk_init(&t, NULL);
    smtp_session_guard(s, &keeper);
    talk_say(&t, s, "MAIL FROM:<a@b> SIZE=450\r\nMAIL FROM:<a@b> SIZE=3\r\nRSET\r\nMAIL FROM:<a@b> SIZE=421\r\nNOOP\r\n");
    assert_string_equal(buf_str(&t.replies), "450 4.7.1 too often\r\n250 2.1.0 ok\r\n250 2.0.0 ok\r\n421 4.3.2 too busy\r\n");
    assert_string_equal(buf_str(&t.refused), "rate=Smtp:MailsPerMinute;overload=Smtp:MaxMemory;");
    assert_int_equal(t.want, SMTP_WANT_CLOSE);
    talk_done(&t);
    smtp_session_free(&s);
}

static void test_the_server_may_refuse_a_mail_while_it_is_read(void **state)
{
    (void)state;
    static const struct smtp_refusal low = { "452 4.3.1 nearly full", "Store:Floor", "storage", true };
    struct smtp_session *s = talk_session(NULL);
    struct talk t;
    talk_init(&t, NULL);
    talk_say(&t, s, HEAD "DATA\r\nx");
    smtp_session_refuse_mail(s, &low);
    talk_say(&t, s, "y\r\n.\r\nNOOP\r\n");
    assert_string_equal(buf_str(&t.replies), HEAD_OK GO "452 4.3.1 nearly full\r\n250 2.0.0 ok\r\n");
    assert_string_equal(buf_str(&t.refused), "storage=Store:Floor;");
    assert_int_equal(smtp_session_body(s)->len, 0);
    talk_done(&t);
    smtp_session_free(&s);
}

static void test_replies_that_nobody_reads_stop_the_commands(void **state)
{
    (void)state;
    struct smtp_limits many = {
        .message_bytes = 100, .recipients = 1, .command_bytes = 100, .errors = 1, .junk_commands = 1000000
    };
    struct smtp_session *s = talk_session(&(struct talk_way){ .limits = &many });
    struct buf in;
    buf_init(&in, 128 * 1024);
    put_many(&in, "HELP\r\n", 60 * 1024);
    size_t used, all = 0;
    while (all < in.len) {
        assert_int_equal(smtp_session_feed(s, in.data + all, in.len - all, &used), SMTP_WANT_READ);
        assert_true(used > 0);
        assert_true(smtp_session_out(s)->len < 10 * 1024);
        all += used;
        buf_clear(smtp_session_out(s));
    }
    smtp_session_rest(s);
    assert_int_equal(smtp_session_out(s)->cap, 0);
    buf_done(&in);
    smtp_session_free(&s);
}

static void test_the_envelope_holds_what_was_said(void **state)
{
    (void)state;
    struct smtp_session *s = talk_session(NULL);
    struct talk t;
    talk_init(&t, NULL);
    smtp_session_greet(s);
    assert_string_equal(buf_str(smtp_session_out(s)), "220 gate ESMTP Postern\r\n");
    talk_say(&t, s, "EHLO the cam\r\nAUTH PLAIN AGNhbQBzZWNyZXQ=\r\nEHLO again\r\n" HEAD);
    const struct envelope *env = smtp_session_envelope(s);
    assert_string_equal(env->listener, "smtp");
    assert_string_equal(env->peer, "192.0.2.7");
    assert_string_equal(env->helo, "again");
    assert_string_equal(env->login, "cam");
    assert_string_equal(env->from, "a@b");
    assert_int_equal(env->to_count, 1);
    talk_done(&t);
    smtp_session_free(&s);
}

static void test_the_login_is_found_in_what_devices_send(void **state)
{
    (void)state;
    static const struct {
        const char *said, *login;
    } cases[] = {
        { "AUTH PLAIN AGNhbQBzZWNyZXQ=\r\n", "cam" }, /* \0cam\0secret                       */
        { "AUTH PLAIN emlkAGNhbQBw\r\n", "cam" },     /* zid\0cam\0p                         */
        { "AUTH PLAIN Y2FtAHNlY3JldA==\r\n", "cam" }, /* cam\0secret                         */
        { "AUTH PLAIN Y2Ft\r\n", "" },                /* cam, or is it the password?         */
        { "AUTH PLAIN emlkAAA=\r\n", "zid" },         /* zid\0\0                             */
        { "AUTH LOGIN Y2Ft\r\nc2VjcmV0\r\n", "cam" },
        { "AUTH LOGIN\r\n\r\n\r\n", "" },
        { "AUTH LOGIN Y2Ft\r\n*\r\n", "" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct smtp_session *s = talk_session(NULL);
        struct talk t;
        talk_init(&t, NULL);
        talk_say(&t, s, cases[i].said);
        assert_string_equal(smtp_session_envelope(s)->login, cases[i].login);
        talk_done(&t);
        smtp_session_free(&s);
    }
}

static void test_a_profile_changes_only_what_it_names(void **state)
{
    (void)state;
    static const char said[] = "EHLO cam\r\nHELO cam\r\n";
    static const struct {
        const char *profile, *replies;
    } cases[] = {
        { "default", "220 gate ESMTP Postern\r\n" CAPABILITIES "250 gate\r\n" },
        { "no-ehlo", "220 gate ESMTP Postern\r\n502 5.5.1 not implemented, say HELO\r\n250 gate\r\n" },
        { "Reolink", "220 gate ESMTP Postern\r\n502 5.5.1 not implemented, say HELO\r\n250 gate\r\n" },
        { "short", "220 gate ESMTP Postern\r\n250-gate\r\n250-SIZE 400\r\n250-8BITMIME\r\n250 AUTH LOGIN PLAIN\r\n250 gate\r\n" },
        { "plain", "220 gate ESMTP Postern\r\n" CAPABILITIES "250 gate\r\n" },
        { "greeting", "220 localhost ESMTP\r\n" CAPABILITIES "250 gate\r\n" },
        { "lf-dot", "220 gate ESMTP Postern\r\n" CAPABILITIES "250 gate\r\n" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct smtp_session *s = talk_session(NULL);
        struct talk t;
        talk_init(&t, NULL);
        assert_non_null(smtp_profile_find(cases[i].profile));
        smtp_session_use(s, smtp_profile_find(cases[i].profile));
        smtp_session_offer_tls(s, strcmp(cases[i].profile, "plain") == 0); /* which does not take it */
        smtp_session_greet(s);
        talk_say(&t, s, said);
        assert_string_equal(buf_str(&t.replies), cases[i].replies);
        talk_done(&t);
        smtp_session_free(&s);
    }
    assert_null(smtp_profile_at(COUNT(cases)));
    assert_null(smtp_profile_find("nonsense"));
}

static void test_chunks_over_the_limit_are_read_to_their_end_and_refused(void **state)
{
    (void)state;
    static const struct {
        int first, second; /* bytes of the two chunks */
        const char *replies, *refused;
        enum smtp_want want;
    } cases[] = {
        { 200, 200, HEAD_OK "250 2.0.0 200 octets taken\r\n" QUEUED "250 2.0.0 ok\r\n", "", SMTP_WANT_READ },
        { 401, 1, HEAD_OK "552 5.3.4 message is larger than this gateway takes\r\n503 5.5.1 need MAIL and RCPT first\r\n250 2.0.0 ok\r\n",
          "size=Smtp:MaxMessage;", SMTP_WANT_READ },
        { 400, 1, HEAD_OK "250 2.0.0 400 octets taken\r\n552 5.3.4 message is larger than this gateway takes\r\n250 2.0.0 ok\r\n",
          "size=Smtp:MaxMessage;", SMTP_WANT_READ },
        { 400, 500, HEAD_OK "250 2.0.0 400 octets taken\r\n552 5.3.4 message is larger than this gateway takes\r\n",
          "size=Smtp:MaxMessage;", SMTP_WANT_CLOSE },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf in;
        buf_init(&in, 8192);
        buf_printf(&in, HEAD "BDAT %d\r\n%0*d", cases[i].first, cases[i].first, 0);
        buf_printf(&in, "BDAT %d LAST\r\n%0*dNOOP\r\n", cases[i].second, cases[i].second, 0);
        struct talk t;
        talk_every_way(&t, NULL, in.data, in.len, 0);
        assert_string_equal(buf_str(&t.replies), cases[i].replies);
        assert_string_equal(buf_str(&t.refused), cases[i].refused);
        assert_int_equal(t.want, cases[i].want);
        talk_done(&t);
        buf_done(&in);
    }
}

static void overhear(struct buf *out, char mark, const char *text, size_t n)
{
    buf_putc(out, mark);
    buf_put(out, text, n);
    buf_putc(out, '\n');
}

static void on_heard(void *user, const char *line, size_t n)
{
    overhear(user, '<', line, n);
}

static void on_said(void *user, const char *reply, size_t n)
{
    overhear(user, '>', reply, n);
}

static void on_took(void *user, int64_t bytes)
{
    buf_printf(user, "%d bytes\n", (int)bytes);
}

static void test_who_listens_hears_all_but_the_secrets(void **state)
{
    (void)state;
    static const char said[] = "AUTH PLAIN AGNhbQBzZWNyZXQ=\r\n" HEAD "DATA\r\nhi\r\n.\r\n";
    static const char refused[] = " auth NTLM c2VjcmV0\r\nY2Ft\r\nAUTH c2VjcmV0\r\nauth login\r\n?\r\nAUTH\r\nNOOP\r\n";
    static const struct {
        const char *said, *overheard;
    } cases[] = {
        { said, ">220 gate ESMTP Postern\n<AUTH PLAIN ***\n>235 2.7.0 welcome\n<MAIL FROM:<a@b>\n>250 2.1.0 ok\n"
                "<RCPT TO:<c@d>\n>250 2.1.5 ok\n<DATA\n>354 end with <CR><LF>.<CR><LF>\n4 bytes\n>250 2.0.0 queued as 01ID\n" },
        { refused, ">220 gate ESMTP Postern\n<auth NTLM ***\n>504 5.5.4 not this mechanism; EHLO lists ours\n<***\n"
                   ">500 5.5.2 unknown command\n<AUTH ***\n>504 5.5.4 not this mechanism; EHLO lists ours\n<auth login\n"
                   ">334 VXNlcm5hbWU6\n<***\n>501 5.5.2 this is not base64\n<AUTH\n>504 5.5.4 not this mechanism; EHLO lists ours\r\n"
                   "421 4.7.0 too many errors\n" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct smtp_session *s = talk_session(NULL);
        struct buf overheard;
        buf_init(&overheard, 4096);
        smtp_session_listen(s, &(struct smtp_ear){ .user = &overheard, .heard = on_heard, .said = on_said, .took = on_took });
        smtp_session_greet(s);
        struct talk t;
        talk_init(&t, NULL);
        talk_say(&t, s, cases[i].said);
        assert_string_equal(buf_str(&overheard), cases[i].overheard);
        talk_done(&t);
        buf_done(&overheard);
        smtp_session_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialogues_have_the_same_end_however_they_are_cut),
        cmocka_unit_test(test_a_false_end_is_part_of_the_message),
        cmocka_unit_test(test_a_false_end_is_remembered_while_nothing_follows),
        cmocka_unit_test(test_a_message_over_the_limit_is_read_to_its_end_and_refused),
        cmocka_unit_test(test_a_message_of_exactly_the_limit_is_kept),
        cmocka_unit_test(test_a_message_without_end_is_cut_off),
        cmocka_unit_test(test_lines_have_a_ceiling_and_auth_has_its_own),
        cmocka_unit_test(test_a_command_with_a_nul_is_refused),
        cmocka_unit_test(test_nuls_around_a_command_are_nothing),
        cmocka_unit_test(test_what_cannot_be_kept_is_answered_by_its_reason),
        cmocka_unit_test(test_a_body_that_could_not_be_spooled_is_read_to_its_end),
        cmocka_unit_test(test_the_server_may_end_it_at_any_time),
        cmocka_unit_test(test_the_server_may_refuse_a_mail_at_its_beginning),
        cmocka_unit_test(test_the_server_may_refuse_a_mail_while_it_is_read),
        cmocka_unit_test(test_replies_that_nobody_reads_stop_the_commands),
        cmocka_unit_test(test_the_envelope_holds_what_was_said),
        cmocka_unit_test(test_the_login_is_found_in_what_devices_send),
        cmocka_unit_test(test_chunks_over_the_limit_are_read_to_their_end_and_refused),
        cmocka_unit_test(test_a_profile_changes_only_what_it_names),
        cmocka_unit_test(test_who_listens_hears_all_but_the_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
