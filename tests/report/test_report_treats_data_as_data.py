"""Hostile and foreign text reaches the page as text, or as a visible box."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest

from forecast.config.schema import ImpactConfig
from forecast.config.writing import refuse_no_font
from forecast.errors import InputError
from forecast.report.build import make_content, write_figures
from forecast.report.run_records import ReportOptions
from forecast.report.typesetting import breakable, printable, shorten, typeface, web_address
from tests.report.conftest import (
    MILESTONES,
    TARGETS,
    make_analysis,
    make_forecast,
    make_records,
    make_told,
    with_scenarios,
)

HOSTILE = (
    '#read("/etc/passwd") <script>alert(1)</script> #import "@preview/x:1.0.0" *b* _i_ @ref $x^2$ {{7*7}}'
)
FOREIGN = "🚀 中国 Հայաստան"
# A font at hand that has signs which the report's own lack: mathematical alphabets.
EXTRA = Path(mpl.get_data_path()) / "fonts/ttf/STIXGeneral.ttf"
GLYPHS = typeface().glyphs


def squeeze(text):
    return re.sub(r"[\s\u200b]+", "", text)


def test_markup_in_names_and_summaries_is_printed_as_it_is(compiled):
    targets = tuple((name, f"{label} {HOSTILE}", HOSTILE, n, rate) for name, label, _, n, rate in TARGETS)
    milestones = tuple((name, HOSTILE, day) for name, _, day in MILESTONES)
    forecast = make_forecast(targets=targets, milestones=milestones, label=HOSTILE)
    reader = compiled(forecast, make_analysis(warnings=(HOSTILE,)), author=HOSTILE)
    text = squeeze(" ".join(page.extract_text() for page in reader.pages))
    assert text.count(squeeze(HOSTILE)) >= 5
    assert "root:" not in text
    assert reader.metadata.author.replace("\u200b", "") == HOSTILE


def test_signs_that_the_typeface_lacks_become_visible_boxes(compiled):
    forecast = make_forecast(label=f"A {FOREIGN} B")
    text = compiled(forecast).pages[0].extract_text()
    assert "A □ □□ Հայաստան B" in text


def test_a_font_of_the_config_shows_what_the_others_lack(compiled, tmp_path):
    lacking = next(chr(sign) for sign in sorted(typeface((EXTRA,)).glyphs - GLYPHS) if chr(sign).isalpha())
    forecast = make_forecast(label=f"A {lacking} B")
    assert "A □ B" in compiled(forecast).pages[0].extract_text()
    assert f"A {lacking} B" in compiled(forecast, fonts=(EXTRA,)).pages[0].extract_text()


def test_a_file_that_is_no_font_is_refused(tmp_path):
    path = tmp_path / "font.ttf"
    with pytest.raises(InputError, match=r"font\.ttf: the font cannot be read \(No such file"):
        refuse_no_font(path)
    path.write_bytes(b"GIF89a")
    with pytest.raises(InputError, match=r"font\.ttf: is no font file\. Allowed: TTF, OTF, TTC\."):
        refuse_no_font(path)
    path.write_bytes(b"OTTO and nothing more")
    refuse_no_font(path)
    with pytest.raises(InputError, match=r"font\.ttf: cannot be read as a font"):
        typeface((path,))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\u202eb\u202cc", "abc"),
        ("a\u200bb\ufeffc\u2066d", "abcd"),
        ("a\x00b\x1bc", "abc"),
        (" a \n\t b ", "a b"),
        ("e\u0301", "é"),
        ("x → y ≥ 2 ± 1 − σφτ – —", "x → y ≥ 2 ± 1 − σφτ – —"),
        ("\ud800", "□"),
        ("中", "□"),
    ],
)
def test_invisible_signs_go_and_unknown_ones_show(given, shown):
    assert printable(given, GLYPHS) == shown


def test_only_plain_web_addresses_become_links():
    assert web_address("https://example.org/a?b=1") == "https://example.org/a?b=1"
    for text in (
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://exa mple.org",
        "https://\u202eexample.org",
        "",
    ):
        assert web_address(text) is None, text


def test_long_words_may_break_and_ordinary_text_is_untouched():
    assert breakable("an ordinary sentence") == "an ordinary sentence"
    assert max(map(len, breakable("x" * 300).split("\u200b"))) <= 36


@pytest.mark.parametrize(
    ("text", "length", "short"),
    [
        ("abc", 3, "abc"),
        ("one two three", 9, "one two…"),
        ("x" * 10, 5, "xxxx…"),
        ("one, two three", 6, "one…"),
    ],
)
def test_texts_are_cut_at_a_word(text, length, short):
    assert shorten(text, length) == short


def test_names_of_300_signs_fit_on_the_page(compiled):
    name = "x" * 300
    targets = tuple((key, name, name, n, rate) for key, _, _, n, rate in TARGETS)
    forecast = make_forecast(targets=targets, label=name)
    page = compiled(forecast, author=name, organisation=name).pages[0]
    rights = []
    page.extract_text(
        visitor_text=lambda text, cm, tm, font, size: rights.append(tm[4]) if text.strip() else None
    )
    assert rights
    assert max(rights) < float(page.mediabox.width)


def test_no_chart_is_left_with_a_sign_that_the_typeface_lacks(tmp_path):
    # Matplotlib warns of a missing glyph, and a warning is an error here.
    name = f"{FOREIGN} {HOSTILE}"
    targets = tuple((key, name, name, n, rate) for key, _, _, n, rate in TARGETS)
    milestones = tuple((key, name, day) for key, _, day in MILESTONES)
    plain = make_forecast(targets=targets, milestones=milestones, label=name)
    run = make_records(
        with_scenarios(plain, name),
        make_told(plain),
        options=ReportOptions(
            impact={target.name: ImpactConfig(level="major", rationale=name) for target in plain.targets}
        ),
    )
    drawn = write_figures(make_content(run), tmp_path)
    assert {path.stem for path in drawn} == {"course", "months", "tension"}
