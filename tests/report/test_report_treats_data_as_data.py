"""Hostile and foreign text reaches the page as text, or as a visible box; marks of the maker by config."""

import re
import struct
from pathlib import Path

import matplotlib as mpl
import pytest
from pypdf import PdfReader

from forecast.config import load_config, resolved_yaml
from forecast.config.schema import ImpactConfig
from forecast.config.writing import LARGEST_BYTES, read_logo, refuse_no_font
from forecast.errors import ConfigError, InputError
from forecast.report.build import build_report, make_content, write_figures
from forecast.report.run_records import ReportOptions, report_options
from forecast.report.typesetting import breakable, printable, typeface, web_address
from forecast.runs.inputs import read_inputs
from forecast.wording import shorten
from tests.report.conftest import (
    MILESTONES,
    TARGETS,
    make_analysis,
    make_forecast,
    make_records,
    with_scenarios,
    write_run,
)

HOSTILE = (
    '#read("/etc/passwd") <script>alert(1)</script> #import "@preview/x:1.0.0" *b* _i_ @ref $x^2$ {{7*7}}'
)
FOREIGN = "🚀 中国 Հայաստան"
# A font at hand that has signs which the report's own lack: mathematical alphabets.
EXTRA = Path(mpl.get_data_path()) / "fonts/ttf/STIXGeneral.ttf"
GLYPHS = typeface().glyphs


def squeeze(text):
    return re.sub(r"\s+", "", text)


def test_markup_in_names_and_summaries_is_printed_as_it_is(compiled):
    targets = tuple((name, f"{label} {HOSTILE}", HOSTILE, n, rate) for name, label, _, n, rate in TARGETS)
    milestones = tuple((name, HOSTILE, day) for name, _, day in MILESTONES)
    forecast = make_forecast(targets=targets, milestones=milestones, label=HOSTILE)
    reader = compiled(forecast, make_analysis(warnings=(HOSTILE,)), author=HOSTILE)
    text = squeeze(" ".join(page.extract_text() for page in reader.pages))
    assert text.count(squeeze(HOSTILE)) >= 5
    assert "root:" not in text
    assert reader.metadata.author == HOSTILE


def test_signs_that_the_typeface_lacks_become_visible_boxes(compiled):
    forecast = make_forecast(label=f"A {FOREIGN} B")
    text = " ".join(compiled(forecast).pages[0].extract_text().split())
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
    name = "baseline.weekly_rate.serious_military_incident+channel_break"
    assert "|".join(breakable(name).split("\u200b")) == (
        "baseline.|weekly_|rate.|serious_|military_|incident+|channel_|break"
    )


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
        make_analysis(),
        options=ReportOptions(
            impact={target.name: ImpactConfig(level="major", rationale=name) for target in plain.targets}
        ),
    )
    drawn = write_figures(make_content(run), tmp_path)
    assert {path.stem for path in drawn} == {"course", "tension"}


SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20"/></svg>'


NO_WIDTH = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 0, 2, 8, 2, 0, 0, 0, 0)
CONFIG = """\
name: x
dyad: {{a: USA, b: CHN}}
as_of: 2023-07-10
events: {{source: 'bundled:us-china'}}
targets: {{t: {{any_of: [sanction], min_severity: 4}}}}
milestones: [{{name: m, date: 2024-01-01}}]
sampler: {{seed: 1}}
report: {{{}}}
"""


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.png", b"GIF89a", "does not begin as a PNG file does"),
        ("a.png", NO_WIDTH, "no width or no height"),
        ("a.svg", "<html/>", "first element is 'html', not 'svg'"),
        ("a.svg", "<svg", "is not valid XML"),
        ("a.svg", '<!DOCTYPE s [<!ENTITY a "b">]>' + SVG, "defines entities"),
        ("a.jpg", b"\xff\xd8", r"the name ends in '\.jpg'"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"0" * LARGEST_BYTES, "more than 1,000,000"),
    ],
)
def test_what_is_no_image_is_refused_with_the_reason(tmp_path, name, content, reason):
    with pytest.raises(InputError, match=reason):
        read_logo(write(tmp_path / name, content))


def test_a_logo_that_is_not_there_is_refused_before_any_work_with_the_line_of_the_config(tmp_path):
    config = load_config(write(tmp_path / "c.yaml", CONFIG.format("logo: mark.svg")))
    with pytest.raises(ConfigError, match=r"c\.yaml:8:.*report\.logo: .*mark\.svg: the logo cannot be read"):
        read_inputs(config)
    write(tmp_path / "mark.svg", SVG)
    assert report_options(config).logo.content == SVG.encode()
    assert "logo: logo.svg" in resolved_yaml(config, tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("accent: '#FFEE88'", r"report\.accent: #FFEE88 is too light .*contrast 1\.2"),
        ("accent: blue", r"report\.accent: 'blue' is not a colour"),
        ("impact: {tt: {level: major, rationale: r}}", r"no target is named 'tt'\. Did you mean 't'\?"),
        ("impact: {t: {level: huge, rationale: r}}", r"report\.impact\.t\.level: .*huge"),
        ("impact: {t: {level: major}}", r"report\.impact\.t\.rationale: "),
    ],
)
def test_a_look_that_cannot_be_is_refused(tmp_path, setting, message):
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path / "c.yaml", CONFIG.format(setting)))


def test_marks_stand_on_every_page_and_in_the_html_page(tmp_path):
    folder = write_run(tmp_path / "run")
    build_report(
        folder,
        ReportOptions(
            title="Strait outlook",
            organisation="Strait Risk Desk",
            classification="INTERNAL – DO NOT FORWARD",
            accent="#6A1B4D",
            paper="us-letter",
            logo=read_logo(write(tmp_path / "mark.svg", SVG)),
            impact={"lethal_clash": ImpactConfig(level="severe", rationale="No way back.")},
        ),
    )
    reader = PdfReader(folder / "report.pdf")
    for page in reader.pages:
        assert page.extract_text().count("INTERNAL – DO NOT FORWARD") == 2
        assert (float(page.mediabox.width), float(page.mediabox.height)) == (612, 792)
    assert reader.metadata.title == "Strait outlook"
    front = reader.pages[0].extract_text()
    assert "Strait outlook" in front
    assert "United States – China" in front
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("INTERNAL – DO NOT FORWARD") == 2
    assert 'alt="Logo of Strait Risk Desk"' in page
    assert "--accent:#6A1B4D" in page
    assert "Impact severe: No way back." in page
