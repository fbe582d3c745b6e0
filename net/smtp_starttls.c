/* smtp_starttls: STARTTLS (RFC 3207): what is asked, what is forgotten, and what may not follow. */
#include "net/smtp_inside.h"
#include <stdlib.h>

void smtp_session_offer_tls(struct smtp_session *s, bool is_offered)
{
    s->is_tls_offered = is_offered;
}

bool smtp_is_tls_offered(const struct smtp_session *s)
{
    return s->is_tls_offered && !s->envelope.tls && !s->profile->is_without_tls;
}

void smtp_on_starttls(struct smtp_session *s, char *arg)
{
    (void)arg;
    if (s->envelope.tls) {
        smtp_reply(s, "554 5.5.1 TLS is active already");
    } else if (!smtp_is_tls_offered(s)) {
        smtp_reply(s, "454 4.7.0 TLS is not available");
    } else {
        smtp_reply(s, "220 2.0.0 ready for TLS");
        smtp_enter(s, ST_TLS);
    }
}

/* Commands that somebody on the way put behind STARTTLS would count as said inside TLS (CVE-2011-0411). */
void smtp_refuse_injected(struct smtp_session *s)
{
    size_t before = s->out.len;
    smtp_refuse(s, REFUSED_INJECTED);
    smtp_enter(s, ST_CLOSED);
    smtp_tell_said(s, before);
}

void smtp_session_tls_on(struct smtp_session *s, const char *version)
{
    free(s->helo);
    s->helo = NULL;
    s->envelope.helo = "";
    smtp_auth_forget(s);
    s->envelope.tls = version;
    smtp_mail_forget(s);
    smtp_enter(s, ST_READY);
}
