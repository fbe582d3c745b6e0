/* contact_id_codes: every Contact-ID code that is known, and Climax' own of 7xx. Two traps: with opening and closing, 1401 is
 * disarmed (opening) and 3401 armed (closing); and the last field is a user's number with some codes, a zone's with the others. */
#include "core/attr.h"
#include "parsers/contact_id.h"

#define ROW(first, last, who, ...)      { first, last, CONTACT_ID_##who, __VA_ARGS__ }
#define Z(code, kind, en, de)           ROW(code, code, ZONE, kind, NULL, SEVERITY_INFO, en, de)
#define U(code, kind, en, de)           ROW(code, code, USER, kind, NULL, SEVERITY_INFO, en, de)
#define ZONES(first, last, kind, en, de) ROW(first, last, ZONE, kind, NULL, SEVERITY_INFO, en, de)
#define OPENING(code, kind, closing, en, de) ROW(code, code, USER, kind, closing, SEVERITY_INFO, en, de)

static const struct contact_id_code rows[] = {
    /* Medical. */
    Z(100, "alarm.medical", "Medical alarm", "Medizinischer Alarm"),
    Z(101, "alarm.emergency", "Personal emergency", "Notfall"),
    Z(102, "alarm.emergency", "Failed to report in", "Lebenszeichen fehlt"),

    /* Fire. */
    Z(110, "alarm.fire", "Fire", "Feuer"),
    Z(111, "alarm.smoke", "Smoke", "Rauch"),
    Z(112, "alarm.fire", "Combustion", "Verbrennung"),
    Z(113, "alarm.fire", "Sprinkler water flow", "Wasserfluss im Sprinkler"),
    Z(114, "alarm.heat", "Heat", "Hitze"),
    Z(115, "alarm.fire", "Fire pull station", "Druckknopfmelder"),
    Z(116, "alarm.smoke", "Duct", "Rauch im Lüftungskanal"),
    Z(117, "alarm.fire", "Flame", "Flamme"),
    Z(118, "alarm.fire", "Near fire alarm", "Feuer-Voralarm"),

    /* Panic. */
    Z(120, "alarm.panic", "Panic", "Überfall"),
    U(121, "alarm.duress", "Duress", "Bedrohung"),
    Z(122, "alarm.silent", "Silent panic", "Stiller Überfall"),
    Z(123, "alarm.panic", "Audible panic", "Lauter Überfall"),
    Z(124, "alarm.duress", "Duress, access granted", "Bedrohung beim Betreten"),
    Z(125, "alarm.duress", "Duress, egress granted", "Bedrohung beim Verlassen"),
    U(126, "alarm.panic", "Hold-up suspicion", "Verdacht auf Überfall"),
    U(127, "alarm.silent", "Remote silent panic", "Stiller Überfall von fern"),
    Z(129, "alarm.panic", "Panic verifier", "Überfall bestätigt"),

    /* Burglary. */
    Z(130, "alarm.burglary", "Burglary", "Einbruch"),
    Z(131, "alarm.perimeter", "Burglary, perimeter", "Einbruch Perimeter"),
    Z(132, "alarm.interior", "Burglary, interior", "Einbruch Innenbereich"),
    Z(133, "alarm.burglary", "Burglary, 24 hour zone", "Einbruch 24-Stunden-Zone"),
    Z(134, "alarm.burglary", "Burglary, entry or exit", "Einbruch Ein- oder Ausgang"),
    Z(135, "alarm.burglary", "Burglary, day/night zone", "Einbruch Tag-Nacht-Zone"),
    Z(136, "alarm.outdoor", "Burglary, outdoor", "Einbruch Außenbereich"),
    Z(137, "alarm.tamper", "Tamper", "Sabotage"),
    Z(138, "alarm.burglary", "Near burglary alarm", "Einbruch-Voralarm"),
    Z(139, "alarm.burglary", "Intrusion verifier", "Einbruch bestätigt"),

    /* General alarms. */
    Z(140, "alarm.other", "General alarm", "Allgemeiner Alarm"),
    Z(141, "alarm.other", "Polling loop open", "Meldeschleife offen"),
    Z(142, "alarm.other", "Polling loop short", "Meldeschleife kurzgeschlossen"),
    Z(143, "trouble.panel", "Expansion module failure", "Erweiterungsmodul ausgefallen"),
    Z(144, "alarm.tamper", "Sensor tamper", "Sabotage am Sensor"),
    Z(145, "alarm.tamper", "Module tamper", "Sabotage am Modul"),
    Z(146, "alarm.burglary", "Silent burglary", "Stiller Einbruch"),
    Z(147, "trouble.supervision", "Sensor supervision failure", "Sensorausfall"),

    /* 24 hours, no burglary. */
    Z(150, "alarm.other", "24 hour alarm, no burglary", "24-Stunden-Alarm, kein Einbruch"),
    Z(151, "alarm.gas", "Gas", "Gas"),
    Z(152, "alarm.other", "Refrigeration", "Kühlung ausgefallen"),
    Z(153, "alarm.cold", "Loss of heat", "Heizung ausgefallen"),
    Z(154, "alarm.water", "Water leak", "Wasser"),
    Z(155, "alarm.burglary", "Foil break", "Scheibenfolie gebrochen"),
    Z(156, "trouble.sensor", "Day trouble", "Störung am Tag"),
    Z(157, "alarm.other", "Low bottled gas level", "Gasflasche fast leer"),
    Z(158, "alarm.heat", "High temperature", "Temperatur zu hoch"),
    Z(159, "alarm.cold", "Low temperature", "Temperatur zu tief"),
    Z(160, "alarm.other", "Awareness zone", "Aufmerksamkeitszone"),
    Z(161, "alarm.other", "Loss of air flow", "Luftstrom ausgefallen"),
    Z(162, "alarm.co", "Carbon monoxide", "Kohlenmonoxid"),
    Z(163, "alarm.other", "Tank level", "Tankfüllstand"),
    Z(168, "alarm.other", "High humidity", "Feuchte zu hoch"),
    Z(169, "alarm.other", "Low humidity", "Feuchte zu tief"),

    /* Supervisory. */
    Z(200, "trouble.other", "Fire supervisory", "Brandschutz gestört"),
    Z(201, "trouble.other", "Low water pressure", "Wasserdruck zu tief"),
    Z(202, "trouble.other", "Low CO2", "CO2 zu wenig"),
    Z(203, "trouble.other", "Gate valve", "Schieber"),
    Z(204, "trouble.other", "Low water level", "Wasserstand zu tief"),
    Z(205, "trouble.other", "Pump on", "Pumpe läuft"),
    Z(206, "trouble.other", "Pump failure", "Pumpe ausgefallen"),

    /* System troubles. */
    Z(300, "trouble.panel", "System trouble", "Störung der Zentrale"),
    Z(301, "trouble.power", "AC loss", "Netzausfall"),
    Z(302, "trouble.battery", "System battery low", "Batterie der Zentrale schwach"),
    Z(303, "trouble.panel", "RAM checksum bad", "RAM fehlerhaft"),
    Z(304, "trouble.panel", "ROM checksum bad", "ROM fehlerhaft"),
    Z(305, "trouble.panel", "System reset", "Zentrale neu gestartet"),
    Z(306, "trouble.panel", "Programming changed", "Programmierung geändert"),
    Z(307, "trouble.panel", "Self test failed", "Selbsttest fehlgeschlagen"),
    Z(308, "trouble.panel", "System shutdown", "Zentrale abgeschaltet"),
    Z(309, "trouble.battery", "Battery test failed", "Batterietest fehlgeschlagen"),
    Z(310, "trouble.panel", "Ground fault", "Erdschluss"),
    Z(311, "trouble.battery", "Battery missing or dead", "Batterie fehlt oder ist leer"),
    Z(312, "trouble.power", "Power supply overcurrent", "Netzteil überlastet"),
    U(313, "trouble.panel", "Engineer reset", "Rücksetzen durch Errichter"),
    Z(314, "trouble.power", "Primary power supply failed", "Hauptstromversorgung ausgefallen"),
    Z(316, "alarm.tamper", "System tamper", "Sabotage am System"),
    Z(317, "alarm.tamper", "Panel tamper", "Sabotage an der Zentrale"),

    /* Sounders and relays. */
    Z(320, "trouble.siren", "Sounder or relay", "Sirene oder Relais gestört"),
    Z(321, "trouble.siren", "Bell 1", "Sirene 1 gestört"),
    Z(322, "trouble.siren", "Bell 2", "Sirene 2 gestört"),
    Z(323, "trouble.siren", "Alarm relay", "Alarmrelais gestört"),
    Z(324, "trouble.siren", "Trouble relay", "Störungsrelais gestört"),
    Z(325, "trouble.siren", "Reversing relay", "Umkehrrelais gestört"),
    Z(326, "trouble.siren", "Appliance circuit 3", "Schaltkreis 3 gestört"),
    Z(327, "trouble.siren", "Appliance circuit 4", "Schaltkreis 4 gestört"),

    /* Peripherals. */
    Z(330, "trouble.panel", "Peripheral trouble", "Peripherie gestört"),
    Z(331, "trouble.panel", "Peripheral loop open", "Peripherieschleife offen"),
    Z(332, "trouble.panel", "Peripheral loop short", "Peripherieschleife kurzgeschlossen"),
    Z(333, "trouble.panel", "Expansion module failed", "Erweiterungsmodul ausgefallen"),
    Z(334, "trouble.communication", "Repeater failed", "Repeater ausgefallen"),
    Z(335, "trouble.other", "Printer out of paper", "Drucker ohne Papier"),
    Z(336, "trouble.other", "Printer failed", "Drucker gestört"),
    Z(337, "trouble.power", "Module DC loss", "Gleichspannung am Modul ausgefallen"),
    Z(338, "trouble.battery", "Module battery low", "Batterie am Modul schwach"),
    Z(339, "trouble.panel", "Module reset", "Modul neu gestartet"),
    Z(341, "alarm.tamper", "Expansion module tamper", "Sabotage am Erweiterungsmodul"),
    Z(342, "trouble.power", "Module AC loss", "Netzausfall am Modul"),
    Z(343, "trouble.panel", "Module self test failed", "Selbsttest des Moduls fehlgeschlagen"),
    Z(344, "trouble.jamming", "RF jamming", "Funkstörung"),
    Z(345, "trouble.communication", "Encryption changed", "Verschlüsselung geändert"),

    /* Communication. */
    Z(350, "trouble.communication", "Communication trouble", "Verbindung gestört"),
    Z(351, "trouble.communication", "Phone line 1", "Telefonleitung 1 gestört"),
    Z(352, "trouble.communication", "Phone line 2", "Telefonleitung 2 gestört"),
    Z(353, "trouble.communication", "Long range radio", "Funkübertragung gestört"),
    Z(354, "trouble.communication", "Failure to communicate", "Meldung nicht übertragen"),
    Z(355, "trouble.communication", "Radio supervision lost", "Funküberwachung ausgefallen"),
    Z(356, "trouble.communication", "Central polling lost", "Abfrage der Leitstelle fehlt"),
    Z(357, "trouble.communication", "Antenna (VSWR)", "Antenne gestört"),
    Z(358, "trouble.communication", "Periodic communication test", "Übertragungstest"),
    Z(359, "trouble.communication", "Network communication", "Netzwerk gestört"),
    Z(365, "trouble.other", "Firmware update", "Firmware-Aktualisierung"),
    Z(366, "trouble.panel", "Firmware update failed", "Firmware-Aktualisierung fehlgeschlagen"),

    /* Loops. */
    Z(370, "trouble.sensor", "Protection loop", "Meldeschleife gestört"),
    Z(371, "trouble.sensor", "Protection loop open", "Meldeschleife offen"),
    Z(372, "trouble.sensor", "Protection loop short", "Meldeschleife kurzgeschlossen"),
    Z(373, "trouble.sensor", "Fire loop trouble", "Feuermelder gestört"),
    Z(374, "trouble.sensor", "Exit error, zone", "Beim Verlassen offen"),
    Z(375, "trouble.sensor", "Panic zone trouble", "Überfallmelder gestört"),
    Z(376, "trouble.sensor", "Hold-up zone trouble", "Überfallzone gestört"),
    Z(377, "trouble.sensor", "Swinger trouble", "Melder löst zu oft aus"),
    Z(378, "trouble.sensor", "Cross-zone trouble", "Zweitmelder gestört"),

    /* Sensors. */
    Z(380, "trouble.sensor", "Sensor trouble", "Sensor gestört"),
    Z(381, "trouble.supervision", "RF sensor supervision lost", "Funküberwachung des Sensors ausgefallen"),
    Z(382, "trouble.supervision", "RPM sensor supervision lost", "Busüberwachung des Sensors ausgefallen"),
    Z(383, "alarm.tamper", "Sensor tamper", "Sabotage am Sensor"),
    Z(384, "trouble.battery", "RF sensor battery low", "Batterie des Sensors schwach"),
    ZONES(385, 388, "trouble.sensor", "Sensor sensitivity", "Empfindlichkeit des Sensors"),
    Z(389, "trouble.sensor", "Sensor self test failed", "Selbsttest des Sensors fehlgeschlagen"),
    Z(391, "trouble.sensor", "Sensor watch", "Sensor meldet sich nicht"),
    Z(392, "trouble.sensor", "Sensor drift", "Sensor driftet"),
    Z(393, "trouble.sensor", "Sensor maintenance", "Sensor braucht Wartung"),
    Z(394, "trouble.sensor", "CO detector end of life", "CO-Melder am Ende seiner Lebensdauer"),

    /* Opening (disarmed) and closing (armed). */
    OPENING(400, "mode.disarmed", "mode.armed", "opening or closing", "Öffnen oder Schließen"),
    OPENING(401, "mode.disarmed", "mode.armed", "by user", "durch Benutzer"),
    OPENING(402, "mode.disarmed", "mode.armed", "group", "Gruppe"),
    OPENING(403, "mode.disarmed", "mode.armed", "automatic", "automatisch"),
    U(406, "mode.other", "Cancelled by user", "Abbruch durch Benutzer"),
    OPENING(407, "mode.disarmed", "mode.armed", "remote", "aus der Ferne"),
    OPENING(408, "mode.other", "mode.armed", "quick arm", "Schnellscharf"),
    OPENING(409, "mode.disarmed", "mode.armed", "keyswitch", "Schlüsselschalter"),

    /* Remote access. */
    U(411, "mode.other", "Callback requested", "Rückruf verlangt"),
    U(412, "mode.other", "Download successful", "Einstellungen geladen"),
    U(413, "trouble.communication", "Unsuccessful remote access", "Fernzugriff gescheitert"),
    U(414, "trouble.communication", "System shutdown command", "Abschaltbefehl"),
    U(415, "trouble.communication", "Dialer shutdown command", "Wählgerät abgeschaltet"),
    Z(416, "mode.other", "Upload successful", "Einstellungen ausgelesen"),
    U(418, "mode.other", "Remote cancel", "Abbruch aus der Ferne"),
    U(419, "mode.other", "Remote verify", "Prüfung aus der Ferne"),

    /* Access control. */
    U(421, "zone.other", "Access denied", "Zutritt verweigert"),
    Z(423, "alarm.burglary", "Forced access", "Zutritt erzwungen"),
    U(424, "zone.other", "Egress denied", "Verlassen verweigert"),
    U(425, "zone.other", "Egress granted", "Verlassen erlaubt"),
    Z(426, "trouble.other", "Door propped open", "Tür steht offen"),
    Z(427, "trouble.sensor", "Door status monitor trouble", "Türüberwachung gestört"),
    Z(428, "trouble.sensor", "Request to exit trouble", "Ausgangstaster gestört"),
    U(429, "mode.other", "Access program mode entered", "Programmierung begonnen"),
    U(430, "mode.other", "Access program mode left", "Programmierung beendet"),
    U(431, "mode.other", "Threat level changed", "Gefahrenstufe geändert"),
    ZONES(432, 434, "zone.other", "Access relay or shunt", "Zutrittsrelais"),
    U(435, "zone.other", "Second person access", "Zutritt zu zweit"),

    /* Special openings and closings. */
    OPENING(441, "mode.disarmed", "mode.home", "armed stay", "Zuhause scharf"),
    OPENING(442, "mode.disarmed", "mode.home", "keyswitch, armed stay", "Schlüsselschalter, Zuhause scharf"),
    OPENING(443, "mode.disarmed", "mode.armed", "with override", "trotz offener Zone"),
    Z(447, "trouble.communication", "Offline", "Nicht verbunden"), /* Climax */
    OPENING(450, "mode.disarmed", "mode.armed", "exception", "außer der Reihe"),
    OPENING(451, "mode.disarmed", "mode.armed", "early", "zu früh"),
    OPENING(452, "mode.disarmed", "mode.armed", "late", "zu spät"),
    U(453, "trouble.panel", "Failed to open", "Nicht rechtzeitig unscharf"),
    U(454, "trouble.panel", "Failed to close", "Nicht rechtzeitig scharf"),
    U(455, "trouble.panel", "Auto-arm failed", "Automatisch scharf gescheitert"),
    OPENING(456, "mode.home", "mode.home", "partial arm", "teilweise"),
    U(457, "trouble.panel", "Exit error by user", "Fehler beim Verlassen"),
    U(458, "mode.other", "User on premises", "Benutzer im Haus"),
    U(459, "mode.other", "Recent close", "Eben erst scharf"),
    U(464, "mode.other", "Auto-arm time extended", "Automatisch scharf verschoben"),
    Z(465, "mode.other", "Panic reset", "Überfall zurückgesetzt"),
    U(466, "mode.other", "Service on or off premises", "Servicedienst im Haus"),

    /* Disabled, bypassed. */
    Z(501, "trouble.other", "Access reader disabled", "Leser abgeschaltet"),
    Z(520, "trouble.siren", "Sounder disabled", "Sirene abgeschaltet"),
    Z(521, "trouble.siren", "Bell 1 disabled", "Sirene 1 abgeschaltet"),
    Z(522, "trouble.siren", "Bell 2 disabled", "Sirene 2 abgeschaltet"),
    ZONES(523, 527, "trouble.siren", "Relay or circuit disabled", "Relais oder Schaltkreis abgeschaltet"),
    Z(531, "trouble.panel", "Module added", "Modul hinzugefügt"),
    Z(532, "trouble.panel", "Module removed", "Modul entfernt"),
    Z(551, "trouble.communication", "Dialer disabled", "Wählgerät abgeschaltet"),
    Z(552, "trouble.communication", "Radio disabled", "Funk abgeschaltet"),
    Z(553, "trouble.communication", "Remote upload disabled", "Fernzugriff abgeschaltet"),
    Z(570, "zone.bypassed", "Zone bypassed", "Zone überbrückt"),
    Z(571, "zone.bypassed", "Fire zone bypassed", "Feuerzone überbrückt"),
    Z(572, "zone.bypassed", "24 hour zone bypassed", "24-Stunden-Zone überbrückt"),
    Z(573, "zone.bypassed", "Burglary zone bypassed", "Einbruchzone überbrückt"),
    U(574, "zone.bypassed", "Group bypassed", "Gruppe überbrückt"),
    Z(575, "zone.bypassed", "Swinger bypassed", "Zu oft ausgelöst, überbrückt"),
    ZONES(576, 577, "zone.bypassed", "Access zone or point bypassed", "Zutrittszone überbrückt"),
    Z(578, "zone.bypassed", "Vault zone bypassed", "Tresorzone überbrückt"),
    Z(579, "zone.bypassed", "Vent zone bypassed", "Lüftungszone überbrückt"),

    /* Tests and what else there is. */
    Z(601, "test.manual", "Manual test", "Test von Hand"),
    Z(602, "test.periodic", "Periodic test", "Periodischer Test"),
    Z(603, "test.periodic", "Periodic RF test", "Periodischer Funktest"),
    U(604, "test.manual", "Fire test", "Feuertest"),
    Z(606, "mode.other", "Listen-in follows", "Mithören folgt"),
    U(607, "test.manual", "Walk test", "Gehtest"),
    ROW(608, 608, ZONE, "test.periodic", NULL, SEVERITY_WARNING, "Periodic test, trouble present", "Periodischer Test, es liegt eine Störung vor"),
    Z(609, "test.manual", "Video transmitter active", "Bildübertragung läuft"),
    Z(611, "test.manual", "Point tested, OK", "Melder geprüft"),
    Z(612, "test.manual", "Point not tested", "Melder nicht geprüft"),
    ZONES(613, 615, "test.manual", "Zone walk tested", "Zone im Gehtest geprüft"),
    Z(616, "trouble.other", "Service request", "Service verlangt"),
    Z(621, "trouble.panel", "Event log reset", "Ereignisspeicher gelöscht"),
    Z(622, "trouble.panel", "Event log 50 % full", "Ereignisspeicher halb voll"),
    Z(623, "trouble.panel", "Event log 90 % full", "Ereignisspeicher zu 90 % voll"),
    Z(624, "trouble.panel", "Event log overflow", "Ereignisspeicher übergelaufen"),
    U(625, "mode.other", "Time or date reset", "Uhr gestellt"),
    Z(626, "trouble.panel", "Time or date inaccurate", "Uhr geht falsch"),
    Z(627, "mode.other", "Program mode entered", "Programmierung begonnen"),
    Z(628, "mode.other", "Program mode left", "Programmierung beendet"),
    ZONES(630, 632, "mode.other", "Schedule changed", "Zeitplan geändert"),
    Z(641, "alarm.other", "Senior watch", "Keine Bewegung der Person"),
    U(642, "mode.other", "Latch-key supervision", "Schlüsselkind meldet sich"),
    Z(643, "zone.other", "Restricted door opened", "Gesperrte Tür geöffnet"),
    Z(654, "trouble.other", "System inactivity", "Keine Tätigkeit"),
    Z(655, "mode.other", "User code changed, or test report", "Benutzercode geändert, oder Testbericht"), /* the latter: Climax */

    /* The makers' own: Climax'. */
    ZONES(700, 703, "unknown", "Maker's own code", "Eigener Code des Herstellers"),
    Z(704, "zone.other", "Entry", "Eintritt"),
    ZONES(705, 749, "unknown", "Maker's own code", "Eigener Code des Herstellers"),
    ROW(750, 750, ZONE, "zone.open", "zone.closed", SEVERITY_INFO, "Door contact", "Kontakt"),
    Z(751, "zone.motion", "Motion", "Bewegung"),
    Z(752, "alarm.other", "Siren on", "Sirene an"),
    ZONES(753, 757, "unknown", "Maker's own code", "Eigener Code des Herstellers"),
    OPENING(758, "mode.other", "mode.home", "home", "Zuhause"),
    ZONES(759, 787, "unknown", "Maker's own code", "Eigener Code des Herstellers"),
    Z(788, "zone.motion", "Motion in area 2", "Bewegung im Bereich 2"),
    Z(789, "zone.motion", "Motion in area 1", "Bewegung im Bereich 1"),
    Z(796, "trouble.communication", "Derived channel lost", "Abgeleiteter Kanal ausgefallen"),
    Z(798, "trouble.communication", "Derived channel", "Abgeleiteter Kanal gestört"),

    /* Download, and what later lists added. */
    Z(900, "trouble.communication", "Download aborted", "Laden abgebrochen"),
    Z(901, "mode.other", "Download begun", "Laden begonnen"),
    Z(902, "trouble.communication", "Download interrupted", "Laden unterbrochen"),
    ZONES(903, 904, "trouble.panel", "Device flash update", "Firmware des Geräts geladen"),
    U(910, "mode.armed", "automatic closing with bypass", "automatisch, mit Überbrückung"),
    Z(912, "mode.other", "Fire alarm silenced", "Feueralarm stumm"),
    ZONES(913, 918, "test.manual", "Test", "Test"),
    ROW(920, 920, USER, "mode.armed", NULL, SEVERITY_WARNING, "closing with trouble", "trotz Störung"),
    Z(921, "trouble.other", "Unknown code received", "Unbekannter Code empfangen"),
    ZONES(922, 924, "trouble.other", "Supervisory point", "Überwachungspunkt"),
    Z(925, "zone.bypassed", "Hold-up zone bypassed", "Überfallzone überbrückt"),
    Z(926, "trouble.power", "AC off for 4 hours", "Seit 4 Stunden ohne Netz"),
    Z(927, "trouble.siren", "Output trouble", "Ausgang gestört"),
    U(928, "mode.other", "User code for event", "Benutzer zum Ereignis"),
    U(929, "mode.other", "User logged off", "Benutzer abgemeldet"),
    Z(954, "trouble.communication", "Receiver: communication trouble", "Empfänger: Verbindung gestört"),
    ZONES(961, 962, "trouble.communication", "Receiver: supervision", "Empfänger: Überwachung gestört"),
};

const struct contact_id_code *contact_id_code(int code)
{
    size_t low = 0, high = COUNT(rows);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].last < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < COUNT(rows) && rows[low].first <= code ? &rows[low] : NULL;
}

const struct contact_id_code *contact_id_code_at(size_t i)
{
    return i < COUNT(rows) ? &rows[i] : NULL;
}
