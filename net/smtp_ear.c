/* smtp_ear: what may be shown of a conversation to whoever listens. */
#include "net/smtp_inside.h"
#include <stdio.h>
#include <string.h>

static const char blanks[] = " \t";

void smtp_session_listen(struct smtp_session *s, const struct smtp_ear *ear)
{
    s->ear = ear ? *ear : (struct smtp_ear){ 0 };
}

/* "AUTH PLAIN": a name as RFC 4422 allows it, so that nobody's secret is shown who forgot the mechanism. */
static int shown_of_auth(const char *line)
{
    enum { MECHANISM_MAX = 20 };
    const char *mechanism = line + strcspn(line, blanks);
    mechanism += strspn(mechanism, blanks);
    size_t n = strcspn(mechanism, blanks);
    bool is_name = n > 0 && n <= MECHANISM_MAX &&
                   (smtp_sasl_knows(mechanism, n) || strspn(mechanism, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") >= n);
    return is_name ? (int)(mechanism + n - line) : (int)strcspn(line, blanks);
}

/* A client that does not wait sends its password even where AUTH was refused: then it comes as a command nobody knows. */
static bool is_all_secret(const struct smtp_session *s, const char *line)
{
    return smtp_is_sasl_asked(s) || (s->has_tried_auth && !smtp_is_command(line));
}

void smtp_tell_heard(struct smtp_session *s, bool is_auth)
{
    enum { SHOWN_MAX = 80 };
    const char *line = buf_str(&s->line) + strspn(buf_str(&s->line), blanks);
    char masked[SHOWN_MAX] = "***";
    if (!s->ear.heard)
        return;
    if (!is_all_secret(s, line) && !is_auth) {
        s->ear.heard(s->ear.user, line, s->line.len - (size_t)(line - buf_str(&s->line)));
        return;
    }
    int shown = is_all_secret(s, line) ? 0 : shown_of_auth(line);
    if (shown > 0)
        (void)snprintf(masked, sizeof masked, "%.*s%s", shown, line, line[shown] ? " ***" : "");
    s->ear.heard(s->ear.user, masked, strlen(masked));
}

void smtp_tell_said(const struct smtp_session *s, size_t before)
{
    enum { END = 2 }; /* CR LF */
    if (s->ear.said && s->out.len > before + END && !s->out.failed)
        s->ear.said(s->ear.user, s->out.data + before, s->out.len - before - END);
}

void smtp_tell_took(const struct smtp_session *s, int64_t bytes)
{
    if (s->ear.took)
        s->ear.took(s->ear.user, bytes);
}
