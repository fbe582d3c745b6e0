"""SMS sizes counted a second, independent way (3GPP TS 23.038, written down here from the standard, not from service/gsm.c):
of every golden text, and of what really leaves for the provider when names are long and many."""
import pathlib
import re

import pytest

import mails
from farside import FarSide

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "data" / "golden"
BASIC = set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
EXTENSION = set("\f^{}\\[~]|€")


def parts_of(text):
    """(alphabet, units, parts) of one SMS."""
    if set(text) <= BASIC | EXTENSION:
        sizes, single, part, alphabet = [2 if c in EXTENSION else 1 for c in text], 160, 153, "GSM-7"
    else:
        sizes, single, part, alphabet = [len(c.encode("utf-16-be")) // 2 for c in text], 70, 66, "UCS-2"
    if sum(sizes) <= single:
        return alphabet, sum(sizes), 1
    parts, room = 1, part
    for size in sizes:
        if size > room:
            parts, room = parts + 1, part
        room -= size
    return alphabet, sum(sizes), parts


def test_the_counter_counts_as_the_standard_does():
    assert len(BASIC) == 127 and len(EXTENSION) == 10  # 128 places less the escape; the extension with its form feed
    assert parts_of("a" * 160)[2] == 1 and parts_of("a" * 161)[2] == 2 and parts_of("a" * 306)[2] == 2 and parts_of("a" * 307)[2] == 3
    assert parts_of("€" * 80)[2] == 1 and parts_of("€" * 153)[2] == 3 and parts_of("ж" * 71)[2] == 2


@pytest.mark.parametrize("path", sorted(p for p in GOLDEN.glob("*.txt") if re.search("-(clicksend|cm)$", p.stem)), ids=lambda p: p.stem)
def test_every_golden_text_fits_its_sms(path):
    lines = path.read_text().splitlines()
    assert len(lines) > 50
    for line in lines:
        kind, _, text = line.split("\t")
        alphabet, units, parts = parts_of(text)
        assert alphabet == "GSM-7", line
        assert parts == 1 and units <= 160, (units, line)


LONG = "Gästezimmer „Süd“ im ersten Stock – links neben der Treppe, hinter dem großen Schrank [Nr. {}] ~ 5 € {}"
NAMES = ["Ost 1", "Café 🚨 Straße", LONG.format(1, "x" * 40), LONG.format(2, "y" * 200), "Кухня и большая комната с балконом на втором этаже " * 3]


@pytest.mark.parametrize("name", NAMES, ids=["short", "emoji", "long", "very long", "cyrillic"])
def test_what_leaves_fits_and_names_kind_and_zone(postern, name):
    with FarSide() as far:
        p = postern({"Site": {"Name": "Ferienhaus am See hinter den sieben Bergen", "Language": "de"},
                     "Accounts": {"sms": {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "Url": far.url}},
                     "Recipients": {"anna": ["sms:+491700000001"]}, "Routes": [{"Tell": ["anna"]}]})
        p.send(mails.panel(f"Zone:17 {name}, Innenbereich Alarm"))
        p.send(mails.panel(f"Zone:18 {name}, DC Open - Mobility"), to="status@house.example")
        texts = [text for _, _, text in far.wait_accepted(2)]
        alarm = next(t for t in texts if "Zone 17" in t)
        opened = next(t for t in texts if "Zone 18" in t)
        assert "Einbruch innen" in alarm and parts_of(alarm)[2] <= 2
        assert "Offen" in opened and parts_of(opened)[2] == 1
        assert (parts_of(alarm)[0] == "GSM-7") == ("Кухня" not in name)


def test_a_flood_is_folded_into_whole_sms_that_name_every_zone(postern, clock):
    with FarSide() as far:
        p = postern({"Site": {"Name": "Haus", "Language": "de"},
                     "Accounts": {"sms": {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "Url": far.url, "Rate": 6, "Burst": 2}},
                     "Recipients": {"anna": ["sms:+491700000001"]}, "Routes": [{"Tell": ["anna"]}]}, clock=clock)
        zones = range(1, 81)
        with p.connect() as s:
            s.ehlo()
            for i in range(240):
                s.sendmail("panel@house.example", ["alarm@house.example"], mails.panel(f"Zone:{i % 80 + 1} Raum {i % 80 + 1}, Innenbereich Alarm"))
        p.wait_events(240)
        for _ in range(12):
            if not p.owed():
                break
            clock.advance(60 * 1000)
            far.quiet(1.2)
        p.wait_deliveries(240, "sent")
        texts = [text for _, _, text in far.accepted]
        assert all(parts_of(t)[2] <= 2 for t in texts)
        named = {int(z) for t in texts for z in re.findall(r"(?:Zone |Z)(\d+)", t)}
        assert named >= set(zones), set(zones) - named
        assert len(texts) <= 20, texts
