/* smtp_profile: the table. */
#include "net/smtp_profile.h"
#include <strings.h>

static const struct smtp_profile profiles[] = {
    { .name = "default", .text = "what every device hears that is not named" },
    { .name = "no-ehlo", .refuses_ehlo = true, .text = "EHLO hears 502; the device falls back to HELO" },
    { .name = "reolink", .refuses_ehlo = true, .text = "the same: some Reolink cameras take HELO only" },
    { .name = "short", .is_short = true, .text = "EHLO lists only SIZE, 8BITMIME and AUTH LOGIN PLAIN" },
    { .name = "plain", .is_without_tls = true, .text = "no STARTTLS, for devices that try it and fail" },
    { .name = "greeting", .greeting = "localhost ESMTP", .text = "a fixed short greeting, without our names" },
    { .name = "lf-dot",
      .ends_at_lf_dot = true,
      .text =
          "LF.LF ends a mail, for devices that never send CR; what they send before our answer to it closes the connection" },
};

const struct smtp_profile *smtp_profile_find(const char *name)
{
    for (size_t i = 0; i < COUNT(profiles); i++)
        if (strcasecmp(profiles[i].name, name) == 0)
            return &profiles[i];
    return NULL;
}

const struct smtp_profile *smtp_profile_default(void)
{
    return &profiles[0];
}

const struct smtp_profile *smtp_profile_at(size_t i)
{
    return i < COUNT(profiles) ? &profiles[i] : NULL;
}
