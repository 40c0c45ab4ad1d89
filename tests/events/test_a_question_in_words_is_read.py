"""``--question``: who acts on whom, what kind of act, how grave, by when; or a word without a place."""

from datetime import date

import pytest

from forecast.errors import InputError
from forecast.events.codebook import packaged_scale
from forecast.events.question import read_question
from forecast.records.base import ARMED, STANDARD

AS_OF = date(2020, 6, 10)
KNOWN = [
    "CHN",
    "European Union",
    "GRC",
    "Hezbollah",
    "IND",
    "IRN",
    "ISR",
    "PAK",
    "PRK",
    "RUS",
    "TUR",
    "TWN",
    "UKR",
    "USA",
]

# Who acts on whom (<> either way, an empty side open), what, how grave, before which day; words set aside.
READ = {
    "Will Chinese and Indian soldiers kill each other before 31 December 2020?": (
        "CHN+IND <> military_incident 5 2020-12-31"
    ),
    "Will there be a deadly clash between India and China by 31 December 2020?": (
        "<> IND+CHN military_incident 5 2021-01-01"
    ),
    "Will China invade Taiwan before 2025?": "CHN > TWN military_incident 5 2025-01-01",
    "Will the US strike Iran within 90 days?": "USA > IRN military_incident 4 2020-09-09",
    "will us forces strike Iran within 90 days?": "cannot place 'us'",
    "Will Iran attack Israel directly before the end of 2020?": (
        "IRN > ISR military_incident 4 2021-01-01 directly"
    ),
    "Will Israel carry out an airstrike on hezbollah in the next 30 days?": (
        "ISR > Hezbollah military_incident 4 2020-07-11"
    ),
    "Will Russia and Ukraine agree to a ceasefire by 31 Dec 2020?": "RUS+UKR <> cooperation 4 2021-01-01",
    "Will a US warship collide with a Chinese vessel before 1 January 2022?": (
        "USA <> CHN military_incident 4 2022-01-01 warship vessel"
    ),
    "Will the United States impose new sanctions on Russia before March 2021?": (
        "USA > RUS sanction 1 2021-03-01"
    ),
    "Will the United States impose serious sanctions on Russia before March 2021?": (
        "USA > RUS sanction 3 2021-03-01"
    ),
    "Will China ban imports of Taiwanese goods this year?": "CHN > TWN sanction 1 2021-01-01 imports goods",
    "Will Pakistan expel the Indian ambassador before 15 August 2020?": (
        "PAK > IND channel_closure 4 2020-08-15 ambassador"
    ),
    "Will North Korea test a ballistic missile before 1 October 2020?": "PRK > military_posture 1 2020-10-01",
    "Will Turkey shoot down a Greek aircraft by December 31, 2020?": (
        "TUR > GRC military_incident 4 2021-01-01 aircraft"
    ),
    "Will Turkish jets be shot down by Greece by December 31, 2020?": (
        "GRC > TUR military_incident 4 2021-01-01 jets"
    ),
    "Will an American be killed by Iran before 2021-01-01?": "IRN > USA military_incident 5 2021-01-01",
    "Will India suffer fatalities from Chinese fire before 31 December 2020?": (
        "CHN > IND military_incident 5 2020-12-31"
    ),
    "Will Indian troops die before 31 December 2020?": "> IND military_incident 5 2020-12-31",
    "Will Iran seize a US tanker within six months?": "IRN > USA military_incident 4 2020-12-11 tanker",
    "Will China and the U.S. hold a summit before 3 November 2020?": "CHN+USA <> visit 4 2020-11-03",
    "Will the USA close a Chinese consulate before 1 August 2020?": "USA > CHN channel_closure 4 2020-08-01",
    "Will China break off diplomatic relations with India before 1 Jan 2021?": (
        "CHN > IND channel_closure 5 2021-01-01"
    ),
    "Will Russia mobilise for war before 24 February 2022?": "RUS > military_posture 5 2022-02-24",
    "Will China conduct large live-fire drills around Taiwan before 20 May 2021?": (
        "CHN > TWN military_posture 4 2021-05-20"
    ),
    "Will the USA sell arms to Taiwan before 31 December 2020?": "USA > TWN military_posture 2 2020-12-31",
    "Will there be war between India and Pakistan this year?": "<> IND+PAK military_incident 5 2021-01-01",
    "Will Iran threaten the United States by the end of June 2020?": "IRN > USA dispute 3 2020-07-01",
    "Will a major military incident occur between China and India before 31 Dec 2020?": (
        "<> CHN+IND military_incident 4 2020-12-31"
    ),
    "Will Iran and the USA fight in the next fortnight?": "IRN+USA <> military_incident 4 2020-06-25",
    "Will diplomatic relations between Greece and Turkey be cut before 2021?": (
        "<> GRC+TUR channel_closure 5 2021-01-01 diplomatic"
    ),
    "What is the chance that Turkey invades Greece before 2021?": "TUR > GRC military_incident 5 2021-01-01",
    "How likely is a clash between Hellenic and Turkish forces before 2021?": (
        "<> GRC+TUR military_incident 3 2021-01-01"
    ),
    "Will the Greek prime minister meet the Turkish president before 2021?": (
        "GRC <> TUR visit 1 2021-01-01 prime minister president"
    ),
    "Will India attack Pakistan by 31/12/2020?": "IND > PAK military_incident 4 2021-01-01",
    "Will India attack Pakistan or Pakistan attack India before 2021?": (
        "<> IND+PAK military_incident 4 2021-01-01"
    ),
    "Will Turkey launch a missile at Greece before 2021?": "TUR > GRC military_incident 4 2021-01-01",
    "Will Turkey release Greek soldiers before 2021?": "TUR > GRC cooperation 1 2021-01-01 release",
    "Will the EU sanction Turkey before 2021?": "European Union > TUR sanction 1 2021-01-01",
    # What has no place in a rule.
    "Will a ceasefire between Russia and Ukraine hold until 2021?": "'hold' asks that something lasts",
    "Will Turkey call for sanctions on Greece before 2021?": "several acts: 'call' (channel_opening)",
    "Will Turkey plan an attack on Greece before 2021?": "cannot place 'plan'",
    "Will Turkey attack Greece in Q3 2021?": "'Q3 2021' does not say by when. Write 'before 1 October 2021'",
    "Will Turkey attack Greece in Q1 0000?": "names no day. Add one",
    "Will Turkey attack Greece by 13/01/2021 or 14/02/2021?": "days: '2021-01-13' and '2021-02-14'",
    "Will there be three clashes of India and China before 2021?": "'three' has no place in a rule",
    "Will Turky attack Greece before 2021?": "cannot place 'Turky'. Did you mean 'Turkey'?",
    "Will China not attack Taiwan before 2021?": "'not' asks that something does not happen. Ask whether it",
    "Will India and China avoid a clash before 2021?": "'avoid' asks that something does not happen",
    "Won't India attack Pakistan before 2021?": "'Won't' asks that something does not happen",
    "Will India attack Pakistan?": "names no day. Add one, e.g. 'before 31 December 2030'",
    "Will India attack Pakistan between 1 July 2020 and 1 September 2020?": (
        "names several days: '1 July 2020' and '1 September 2020'"
    ),
    "Will India attack Pakistan before 1 June 2020?": "ends on or before the as-of date (10 June 2020)",
    "Will India attack Pakistan by 05/06/2021?": "2021-06-05 for 5 June 2021 or 2021-05-06 for 6 May 2021",
    "Will India attack Pakistan by 31 July?": "'31 July' has no year. Write e.g. 'before 31 December 2021'",
    "Will India attack Pakistan by 31 February 2021?": "'31 February 2021' is no day of the calendar",
    "Will India attack Pakistan by 2021?": "'by 2021' can mean before it begins or before it ends",
    "Will India attack Pakistan in 2021?": "opens after the as-of date (10 June 2020)",
    "Will India attack Pakistan before 2040?": "lies more than ten years after 10 June 2020",
    "Will India attack Nepal before 2021?": "NPL (Nepal) is not in the event file, which holds CHN, ",
    "Will the Houthis attack Israel before 2021?": "cannot place 'Houthis'. A rule has actors of the file",
    "Will India attak Pakistan before 2021?": "cannot place 'attak'. Did you mean 'attack'?",
    "Will India embarrass Pakistan before 2021?": "cannot place 'embarrass'.",
    "Will Pakistan and India be at the border before 2021?": "names no act. Say which, e.g. kill",
    "Will 50 people be killed in India-Pakistan fighting before 2021?": "'50' has no place in a rule",
    "Will India kill or sanction Pakistan before 2021?": "asks about several acts: 'kill' (mil",
}


@pytest.mark.parametrize("text", READ)
def test_a_question_in_words_is_read_or_says_what_it_cannot_place(text):
    assert READ[text] in told(text)


def told(text: str) -> str:
    """Return a question as one line: its rule on the standard scale, or why it has none."""
    try:
        read = read_question(text, AS_OF, KNOWN)
        (category,), severity = read.rule(packaged_scale(STANDARD))
    except InputError as fault:
        return str(fault)
    way = "<>" if read.mutual else ">"
    who = ("+".join(read.by), way, "+".join(read.towards))
    return " ".join(map(str, filter(None, (*who, category, severity, read.day, *read.aside))))


def test_a_scale_says_how_grave_the_act_is_or_that_it_has_none():
    killed = read_question("Will Russia kill Ukrainian soldiers before 2021?", AS_OF, KNOWN)
    assert [killed.rule(packaged_scale(name))[1] for name in (STANDARD, ARMED)] == [5, 2]
    drills = read_question("Will China hold large drills around Taiwan before 2021?", AS_OF, KNOWN)
    with pytest.raises(InputError, match="the scale 'armed' has no severity for 'large drill'"):
        drills.rule(packaged_scale(ARMED))


def test_either_of_two_acts_is_as_mild_as_the_milder_and_both_words_of_one_act_as_grave_as_the_graver():
    for word, severity in (("or", 3), ("and", 5)):
        text = f"Will India clash {word} kill Pakistani soldiers before 2021?"
        assert read_question(text, AS_OF, KNOWN).rule(packaged_scale(STANDARD))[1] == severity
