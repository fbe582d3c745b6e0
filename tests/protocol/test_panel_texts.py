"""Parsers:Texts: a panel in a language that no table of ours has, typed by settings alone; and `postern texts`, which finds the words."""
import json
import re
import subprocess

import mails
from postern import program

# What a French XT1 says, to whom, and what it is to mean.
LINES = [
    ("Zone:4 Keller, Alarme intrusion déclenchée", "alarm", "alarm.burglary", False, "alarm"),
    ("Zone:4 Keller, Sabotage fini", "alarm", "alarm.tamper", True, "warning"),
    ("Zone:4 Keller, Sabotage détecté.", "alarm", "alarm.tamper", False, "alarm"),
    ("Zone:7 Entrée, gauche, Défaut de supervision", "status", "trouble.supervision", False, "warning"),
    ("Zone:1 Terrasse, Porte ouverte - Mobility", "status", "zone.open", False, "info"),
    ("Jérôme, Armement", "status", "mode.armed", False, "info"),
    ("Jérôme, Désarmement", "status", "mode.disarmed", False, "info"),
    ("Rapport de test périodique", "status", "test.periodic", False, "info"),
]
TEXTS = {
    "alarme INTRUSION declenchee": "alarm.burglary",
    "Sabotage fini": "alarm.tamper restored",
    "Sabotage  détecté": "alarm.tamper",
    "Défaut de supervision": "trouble.supervision",
    "Porte ouverte": "zone.open",
    "Armement": "mode.armed",
    "Désarmement": "mode.disarmed",
    "Rapport de test périodique": "test.periodic",
}


def say_all(p):
    for text, user, *_ in LINES:
        p.send(mails.panel(text, to=f"{user}@maison.example"))
    return list(reversed(p.wait_events(len(LINES))))


def test_a_french_panel_is_typed_by_settings_alone(postern):
    p = postern({"Parsers": {"Texts": TEXTS}})
    events = sorted(say_all(p), key=lambda e: [line[0] for line in LINES].index(e["text"]))
    for event, (text, _, kind, restored, severity) in zip(events, LINES, strict=True):
        assert (event["kind"], event["restored"], event["severity"]) == (kind, restored, severity), text
        assert event["parser"] == "lupusec", text
    assert events[0]["zone"] == {"number": 4, "name": "Keller"} and events[0]["code"] == 130
    assert events[3]["zone"] == {"number": 7, "name": "Entrée, gauche"}
    assert events[5]["user"] == "Jérôme"
    assert p.command("texts").stdout == "every text of this time is known\n"


def test_what_nobody_understood_is_listed_ready_to_paste(postern, tmp_path):
    p = postern()
    say_all(p)
    p.send(mails.panel("Zone:9 Est, ALARME intrusion déclenchée"))
    p.wait_events(len(LINES) + 1)
    out = p.command("texts").stdout
    assert out.index('"ALARME intrusion déclenchée": "<kind>", // 2 times: Zone:9 Est') < out.index('"Sabotage fini": "<kind>", // 1 time')
    pasted = re.sub(r"//.*", "", out)
    listed = json.loads("{" + re.sub(r",\s*}", "}", pasted).strip().rstrip(",") + "}")["Parsers"]["Texts"]
    folded = {re.sub(r" - Mobility$", "", text).casefold() for text in listed}
    assert folded == {line[0].split(", ")[-1].replace(" - Mobility", "").rstrip(".").casefold() for line in LINES}
    settings = tmp_path / "pasted.json"
    settings.write_text("{\n" + out.replace("<kind>", "zone.other") + "}")
    check = subprocess.run([program("postern"), "check", "--settings", settings], capture_output=True, text=True)
    assert "Parsers" not in check.stdout + check.stderr
    settings.write_text("{\n" + out + "}")
    check = subprocess.run([program("postern"), "check", "--settings", settings], capture_output=True, text=True)
    assert (check.stdout + check.stderr).count("still a placeholder: <kind>") == len(listed)


def test_inspect_knows_the_texts_too(postern, tmp_path):
    mail = tmp_path / "x.eml"
    mail.write_bytes(mails.panel(LINES[1][0]))
    p = postern({"Parsers": {"Texts": TEXTS}})
    [event] = json.loads(p.command("inspect", str(mail), "--recipient", "alarm@x", "--settings", p.settings_path).stdout)["events"]
    assert event["kind"] == "alarm.tamper" and event["restored"] and event["code"] == 383


def test_a_wrong_kind_is_a_mistake_with_the_nearest_one_and_the_rest_works(postern):
    p = postern({"Parsers": {"Texts": {"Armement": "mode.armd", "Sabotage": "alarm.tamper restoerd", "x": "system.started", "Fini": ["a"],
                                       "y" * 200: "zone.open", "Désarmement": "mode.disarmed"}, "Text": {}}})
    said = p.command("check")
    for words in ('no kind "mode.armd"; did you mean mode.armed?', 'only "restored" is known', 'no kind "system.started"',
                  "a kind is expected here", "1 to 119 bytes"):
        assert words in said.stdout + said.stderr, words
    p.send(mails.panel("Jérôme, Désarmement", to="status@x.example"))
    [event] = p.wait_events(1)
    assert event["kind"] == "mode.disarmed"


def test_a_list_without_end_is_cut_and_mails_are_read_all_the_same(postern):
    p = postern({"Parsers": {"Texts": {f"Texte \"{i:04}\" " + "é" * 30: "zone.open" for i in range(700)}}})
    said = p.command("check")
    assert "more than 500 texts" in said.stdout + said.stderr
    p.send(mails.panel("Zone:1 A, texte \"0499\" " + "E" * 30, to="status@x.example"))
    p.send(mails.panel("Zone:1 A, texte \"0500\" " + "E" * 30, to="status@x.example"))
    assert sorted(e["kind"] for e in p.wait_events(2)) == ["unknown", "zone.open"]
