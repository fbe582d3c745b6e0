/* text_refusal: the words of system.delivery: which service refuses, why, and how many messages wait. */
#include "service/text.h"
#include <string.h>

/* What the services' own words mean; the first row that occurs in the detail. */
static const struct {
    const char *part, *reason;
} reasons[] = {
    { "INSUFFICIENT_CREDIT", "reason.credit" }, { "balance insufficient", "reason.credit" }, { "HTTP 402", "reason.credit" },
    { "INVALID_CREDENTIALS", "reason.key" },    { "MISSING_CREDENTIALS", "reason.key" },     { "UNAUTHORIZED", "reason.key" },
    { "Unauthorized", "reason.key" },           { "api key incorrect", "reason.key" },       { "authentication", "reason.key" },
    { "HTTP 401", "reason.key" },               { "INVALID_SENDER_ID", "reason.sender" },    { "sender (From)", "reason.sender" },
    { "ACCOUNT_NOT_ACTIVATED", "reason.blocked" }, { "Forbidden", "reason.blocked" },        { "FORBIDDEN", "reason.blocked" },
    { "HTTP 403", "reason.blocked" },           { "blacklisted", "reason.blocked" },         { "INVALID_RECIPIENT", "reason.address" },
    { "number incorrect", "reason.address" },   { "recipient incorrect", "reason.address" }, { "chat not found", "reason.address" },
};

const char *text_refusal_reason(const struct text_style *style, const char *detail)
{
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (strstr(detail, reasons[i].part))
            return words_find(style->overrides, style->words, reasons[i].reason);
    return detail;
}

void text_refusal(const struct text_style *style, const struct provider *p, enum fault fault, const char *detail, size_t waiting,
                  bool restored, struct buf *out)
{
    const char *verb = restored               ? (p->is_sms ? "again.sms" : "again")
                       : fault != FAULT_ACCOUNT ? "refuses.one"
                       : p->is_sms            ? "refuses.sms"
                                              : "refuses";
    buf_printf(out, "%s %s", p->title, words_find(style->overrides, style->words, verb));
    if (restored)
        return;
    if (detail && *detail)
        buf_printf(out, " (%s)", text_refusal_reason(style, detail));
    if (waiting > 0)
        buf_printf(out, ", %zu %s", waiting,
                   words_find(style->overrides, style->words, waiting == 1 ? "undelivered.one" : "undelivered"));
}
