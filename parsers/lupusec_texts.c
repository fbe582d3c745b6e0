/* lupusec_texts: every text of the Climax platform that is known, German and English. Facts: docs/devices/lupusec.md.
 * The mails carry localised Contact-ID descriptions plus Climax' own 7xx states, so a table keyed by text is enough. */
#include "core/fold.h"
#include "parsers/lupusec.h"
#include "parsers/own_texts.h"
#include <string.h>

static const struct row {
    const char *text;
    const char *kind;
    short       code, panel_code; /* panel_code 0: the same */
    bool        restored;
} rows[] = {
    /* Alarms. Restored is the same text with a word behind it, see below. */
    { "Medizinischer Alarm", "alarm.medical", 100 },
    { "Medical", "alarm.medical", 100 },
    { "Medical Alarm", "alarm.medical", 100 },
    { "Medical Alert", "alarm.medical", 100 },
    { "Notfall Alarm", "alarm.emergency", 101 },
    { "Personal Emergency", "alarm.emergency", 101 },
    { "Notfall Alarm (Still)", "alarm.silent", 122 },
    { "Feuer", "alarm.fire", 110 },
    { "Feuer Alarm", "alarm.fire", 110 },
    { "Fire", "alarm.fire", 110 },
    { "Fire Alert", "alarm.fire", 110 },
    { "Fire Alarm", "alarm.fire", 110 },
    { "Rauch", "alarm.smoke", 111 },
    { "Rauch Alarm", "alarm.smoke", 111 },
    { "Smoke", "alarm.smoke", 111 },
    { "Smoke Alarm", "alarm.smoke", 111 },
    { "Smoke Detected", "alarm.smoke", 111 },
    { "Hitze Alarm", "alarm.heat", 114 },
    { "Heat", "alarm.heat", 114 },
    { "Heat Alarm", "alarm.heat", 114 },
    { "\u00DCberfall Alarm", "alarm.panic", 120 },
    { "Ueberfall Alarm", "alarm.panic", 120 },
    { "Panic Alarm", "alarm.panic", 120 },
    { "Panik Alarm", "alarm.panic", 120 },
    { "Panic Alert", "alarm.panic", 120 },
    { "N\u00F6tigungs Alarm", "alarm.duress", 121 },
    { "Noetigungs Alarm", "alarm.duress", 121 },
    { "Duress Alarm", "alarm.duress", 121 },
    { "Stiller Alarm", "alarm.silent", 122 },
    { "Silent Alarm", "alarm.silent", 122 },
    { "Silent Panic Alert", "alarm.silent", 122 },
    { "Einbruch", "alarm.burglary", 130 },
    { "Einbruch Alarm", "alarm.burglary", 130 },
    { "Burglar Alarm", "alarm.burglary", 130 },
    { "Alarm Triggered", "alarm.burglary", 130 },
    { "Einbruchalarm (Perimeter)", "alarm.perimeter", 131 },
    { "Perimeter Alarm", "alarm.perimeter", 131 },
    { "Perimeter", "alarm.perimeter", 131 },
    { "Perimeter Alarm Triggered", "alarm.perimeter", 131 },
    { "Innenbereich Alarm", "alarm.interior", 132 },
    { "Einbruchalarm (Innenbereich)", "alarm.interior", 132 },
    { "Interior", "alarm.interior", 132 },
    { "Interior Alarm", "alarm.interior", 132 },
    { "Interior Alarm Triggered", "alarm.interior", 132 },
    { "Burglar", "alarm.burglary", 133 },
    { "Burglar Alarm Triggered", "alarm.burglary", 133 },
    { "Au\u00DFenbereich Alarm", "alarm.outdoor", 136 },
    { "Einbruchalarm (Au\u00DFenbereich)", "alarm.outdoor", 136 },
    { "Outdoor", "alarm.outdoor", 136 },
    { "Outdoor Alarm", "alarm.outdoor", 136 },
    { "Outdoor Alarm Triggered", "alarm.outdoor", 136 },
    { "Sabotage", "alarm.tamper", 383, 137 },
    { "Sabotage Alarm", "alarm.tamper", 383, 137 },
    { "Panel Tamper Switch Triggered", "alarm.tamper", 137 },
    { "Panel Tamper Switch", "alarm.tamper", 137 },
    { "Panel Tamper", "alarm.tamper", 137 },
    { "Tamper Switch", "alarm.tamper", 383, 137 },
    { "Tamper", "alarm.tamper", 383, 137 },
    { "Tamper Alarm", "alarm.tamper", 383, 137 },
    { "Tamper Switch Triggered", "alarm.tamper", 383, 137 },
    { "Gas", "alarm.gas", 151 },
    { "Gas Alarm", "alarm.gas", 151 },
    { "Gas Detected", "alarm.gas", 151 },
    { "Wasser", "alarm.water", 154 },
    { "Wasser Alarm", "alarm.water", 154 },
    { "Water Leak", "alarm.water", 154 },
    { "Water Alarm", "alarm.water", 154 },
    { "CO", "alarm.co", 162 },
    { "CO Alarm", "alarm.co", 162 },
    { "CO Detected", "alarm.co", 162 },
    { "Siren On", "alarm.other", 752 },
    { "Siren Off", "alarm.other", 752, 0, true },
    { "Mobility Alarm", "alarm.other", 641 },

    /* Troubles. */
    { "Sensor\u00FCberwachungsfehler", "trouble.supervision", 381 },
    { "Sensorueberwachungsfehler", "trouble.supervision", 381 },
    { "Sensorausfall", "trouble.supervision", 381 },
    { "Supervision Fail", "trouble.supervision", 381 },
    { "Supervision Failure", "trouble.supervision", 381 },
    { "Not Connected to Gateway", "trouble.supervision", 147 },
    { "Re-Connected", "trouble.supervision", 147, 0, true },
    { "Sensor Offline", "trouble.supervision", 380 },
    { "Netzausfall", "trouble.power", 301 },
    { "Stromausfall", "trouble.power", 301 },
    { "Power Lost", "trouble.power", 301 },
    { "Power Restored", "trouble.power", 301, 0, true },
    { "Battery Low", "trouble.battery", 384, 302 },
    { "Low Battery", "trouble.battery", 384, 302 },
    { "Battery Normal", "trouble.battery", 384, 302, true },
    { "Battery Missing/Dead", "trouble.battery", 311 },
    { "Funkst\u00F6rung", "trouble.jamming", 344 },
    { "Funkstoerung", "trouble.jamming", 344 },
    { "Jam Detect", "trouble.jamming", 344 },
    { "Jam Detected", "trouble.jamming", 344 },
    { "Jam Restored", "trouble.jamming", 344, 0, true },
    { "Polling Failure", "trouble.communication", 355 },
    { "Offline", "trouble.communication", 447 },
    { "Online", "trouble.communication", 447, 0, true },
    { "Armed with Fault", "trouble.sensor", 374 },
    { "Sensor Watch Trouble", "trouble.sensor", 641 },
    { "Fail to Close", "trouble.panel", 454 },
    { "Call Request", "trouble.other", 616 },

    /* Modes; the name before them is the user's. */
    { "Arm", "mode.armed", 401 },
    { "Armed", "mode.armed", 401 },
    { "System Armed", "mode.armed", 401 },
    { "Home", "mode.home", 456 },
    { "Home Arm", "mode.home", 456 },
    { "Armed Home", "mode.home", 456 },
    { "System Armed Home", "mode.home", 456 },
    { "Partial Arm", "mode.home", 456 },
    { "Disarm", "mode.disarmed", 401 },
    { "Disarmed", "mode.disarmed", 401 },
    { "System Disarmed", "mode.disarmed", 401 },
    { "Event Canceled", "mode.other", 406 },
    { "Set/Unset", "mode.other", 408 },
    { "User on Premises", "mode.other", 458 },
    { "Recent Close", "mode.other", 459 },

    /* Zones and tests. */
    { "DC Open", "zone.open", 750 }, /* these three come with " - Mobility" behind them */
    { "DC Close", "zone.closed", 750 },
    { "IR Activity", "zone.motion", 751 },
    { "Motion in area 1", "zone.motion", 789 },
    { "Motion in area 2", "zone.motion", 788 },
    { "Entry", "zone.other", 704 },
    { "Zone Bypassed", "zone.bypassed", 570 },
    { "Periodischer Test Report", "test.periodic", 602 },
    { "Periodischer Test", "test.periodic", 602 },
    { "Periodic Test", "test.periodic", 602 },
    { "Periodic Test Report", "test.periodic", 602 },
    { "Test Report", "test.periodic", 655 },
    { "Manual Test", "test.manual", 601 },
    { "Point Tested OK", "test.manual", 611 },
    { "Test E-Mail", "test.manual", 601 },
    { "Testmail", "test.manual", 601 },
    { "This is a test mail", "test.manual", 601 },
    { "Dies ist eine Testmail", "test.manual", 601 },
};

const char *const panel_reported_by[] = { " gemeldet von Sensor ", " reported by sensor ", NULL };

/* A known text with one of these behind it: what the text says has ended. Folded. */
static const char *const ends[] = { "deaktiviert", "restored", "restore", "normal", "wiederhergestellt", "behoben", "beendet" };

/* Troubles whose exact words nobody has written down: one of these in the text is enough. Folded. */
static const struct row guesses[] = {
    { "netzwerk", "trouble.communication", 350 }, { "netz", "trouble.power", 301 },
    { "strom", "trouble.power", 301 },            { "batterie", "trouble.battery", 384, 302 },
    { "battery", "trouble.battery", 384, 302 },   { "interferenz", "trouble.jamming", 344 },
    { "funk", "trouble.jamming", 344 },           { "uberwachung", "trouble.supervision", 381 },
};

/* In a guessed text, any of these says that it is over. Folded. */
static const char *const guessed_ends[] = { "deaktiviert", "wieder", "behoben", "normal", "restored" };

static const struct row *find_row(const char *folded)
{
    for (const struct row *r = rows; r < rows + COUNT(rows); r++)
        if (fold_is(r->text, folded))
            return r;
    return NULL;
}

static bool cut_end(char *folded, const char *end)
{
    size_t n = strlen(folded), k = strlen(end);
    if (n <= k || strcmp(folded + n - k, end) != 0)
        return false;
    folded[n - k] = '\0';
    return true;
}

static bool answer(const struct row *r, bool restored, struct panel_meaning *out)
{
    *out = (struct panel_meaning){
        .kind = r->kind,
        .restored = restored,
        .code = r->code,
        .panel_code = r->panel_code ? r->panel_code : r->code,
    };
    return true;
}

/* The settings know no codes: the one that the kind's first text has; kinds of many things (alarm.other) have none. */
static bool answer_own(const struct own_text *own, bool restored, struct panel_meaning *out)
{
    static const char other[] = ".other";
    *out = (struct panel_meaning){ .kind = own->kind, .restored = restored };
    size_t n = strlen(own->kind), k = sizeof other - 1;
    if (n > k && strcmp(own->kind + n - k, other) == 0)
        return true;
    for (const struct row *r = rows; r < rows + COUNT(rows); r++)
        if (strcmp(r->kind, own->kind) == 0)
            return answer(r, restored, out);
    return true;
}

/* The whole text, as the settings or the table have it. ended: something behind it said that it is over. */
static bool find_text(const struct own_texts *own, const char *folded, bool ended, struct panel_meaning *out)
{
    const struct own_text *mine = own_texts_find(own, folded);
    if (mine)
        return answer_own(mine, ended || mine->restored, out);
    const struct row *r = find_row(folded);
    return r && answer(r, ended || r->restored, out);
}

static bool guess(const char *folded, struct panel_meaning *out)
{
    bool restored = false;
    for (size_t i = 0; i < COUNT(guessed_ends); i++)
        restored |= strstr(folded, guessed_ends[i]) != NULL;
    for (size_t i = 0; i < COUNT(guesses); i++)
        if (strstr(folded, guesses[i].text))
            return answer(&guesses[i], restored, out);
    return false;
}

bool panel_text_find(const struct own_texts *own, const char *text, size_t n, bool is_guess_allowed, struct panel_meaning *out)
{
    char folded[OWN_TEXT_MAX];
    while (n > 0 && (text[n - 1] == '.' || text[n - 1] == '!'))
        n--;
    if (fold_tight(folded, sizeof folded, text, n) == 0)
        return false;
    if (find_text(own, folded, false, out) || (cut_end(folded, "-mobility") && find_text(own, folded, false, out)))
        return true;
    if (is_guess_allowed && guess(folded, out))
        return true;
    for (size_t i = 0; i < COUNT(ends); i++)
        if (cut_end(folded, ends[i]))
            return find_text(own, folded, true, out);
    return false;
}
