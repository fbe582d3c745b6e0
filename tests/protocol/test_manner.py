"""How each recipient wants to be told: language, detail, pictures; and words of the owner's own."""
import mails
from farside import FarSide

ALARM = "Zone:8 Ost 1, Innenbereich Alarm"


def accounts(far):
    return {"Accounts": {"tg": {"Provider": "telegram", "Token": "1:a", "Url": far.url, "Rate": 6000, "Burst": 100},
                         "sms": {"Provider": "clicksend", "Username": "u", "Token": "t", "Url": far.url, "Rate": 6000, "Burst": 100}}}


def test_each_is_told_in_a_manner_of_his_own(postern):
    with FarSide() as far:
        p = postern(accounts(far) | {"Site": {"Language": "en"}, "Recipients": {
            "anna": {"Ways": ["tg:1"], "Language": "de"}, "bob": ["tg:2"], "carl": {"Ways": "sms:+491700000003", "Detail": "short"},
            "dora": {"Ways": ["tg:4"], "Detail": "zone"}}})
        p.send(mails.panel(ALARM))
        p.wait_deliveries(4, "sent")
        told = {address: text for _, address, text in far.accepted}
        assert told["1"].startswith("ALARM Home: Einbruch innen, Zone 8 Ost 1")
        assert told["2"].startswith("ALARM Home: Burglary interior, zone 8 Ost 1") and ALARM in told["2"]
        assert told["+491700000003"].startswith("ALARM Home: Burglary interior, zone 8,")
        assert told["4"].startswith("ALARM Home: Burglary interior, zone 8 Ost 1") and ALARM not in told["4"]


def test_who_wants_no_pictures_gets_the_text(postern):
    with FarSide() as far:
        p = postern(accounts(far) | {"Recipients": {"anna": {"Ways": ["tg:1"], "Pictures": False}, "bob": {"Ways": ["tg:2"], "Pictures": True}},
                                     "Routes": [{"MinSeverity": "info", "Tell": ["anna", "bob"]}]})
        p.send(mails.camera(pictures=[mails.jpeg(1), mails.jpeg(2, size=1_500_000)]), to="einfahrt@house.example")
        p.wait_deliveries(2, "sent")
        far.wait(3)
        assert far.quiet(1)
        told = sorted((str(r.value("chat_id")), r.path.rsplit("/", 1)[1]) for r in far.requests)
        assert told == [("1", "sendMessage"), ("2", "sendMediaGroup"), ("2", "sendMessage")]


def test_what_waits_for_one_address_is_folded_only_in_the_same_manner(postern):
    with FarSide() as far:
        far.down()
        p = postern(accounts(far) | {"Recipients": {"anna": {"Ways": ["tg:1"], "Language": "de"}, "bob": {"Ways": ["tg:1"], "Language": "en"}}})
        p.send(mails.panel(ALARM))
        p.wait_deliveries(2)
        far.up()
        p.wait_deliveries(2, "sent")
        texts = sorted(text.split("\n")[0] for _, _, text in far.accepted)
        assert len(texts) == 2 and "Burglary interior" in texts[0] and "Einbruch innen" in texts[1]


def test_words_of_the_owners_own(postern):
    with FarSide() as far:
        p = postern(accounts(far) | {"Recipients": {"anna": ["tg:1"]}, "Site": {"Language": "de"},
                                     "Messages": {"Words": {"alarm.interior": "Einbruch drinnen", "head.alarm": "HILFE"}}})
        p.send(mails.panel(ALARM))
        [(_, _, text)] = far.wait_accepted(1)
        assert text.startswith("HILFE Home: Einbruch drinnen, Zone 8 Ost 1")


def test_mistakes_are_said_and_the_rest_works(postern):
    with FarSide() as far:
        p = postern(accounts(far) | {"Recipients": {"anna": {"Ways": ["tg:1"], "Language": "fr", "Detail": "much", "Pictures": "some", "Langage": "de"},
                                                    "bob": {"Language": "de"}},
                                     "Messages": {"Words": {"alarm.interor": "x", "alarm.fire": ["y"], "alarm.gas": ""}}})
        run = p.command("check")
        for words in ('"fr" is neither de nor en', "much is not one of full, zone, short", "some is neither false nor true",
                      "did you mean Language?", "bob will not be told", "did you mean alarm.interior?", "Messages:Words:alarm.fire",
                      "Messages:Words:alarm.gas"):
            assert words in run.stdout + run.stderr, (words, run.stdout)
        p.send(mails.panel(ALARM))
        far.wait_accepted(1)


def test_numbers_are_masked_in_log_and_metrics(postern):
    with FarSide() as far:
        p = postern(accounts(far) | {"Recipients": {"carl": ["sms:+491700000003"]}})
        p.send(mails.panel(ALARM))
        p.wait_deliveries(1, "sent")
        assert "1700000003" not in p.log_text(whole=True) and "+49…003" in p.log_text(whole=True)
        assert "1700000003" not in p.api.get("/metrics").text
