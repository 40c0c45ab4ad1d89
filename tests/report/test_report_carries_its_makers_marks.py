"""Branding by config: title, names, logo, classification, accent, impact; what is no image is refused."""

import struct

import pytest
from pypdf import PdfReader

from forecast.config import load_config, resolved_yaml
from forecast.config.schema import ImpactConfig
from forecast.config.writing import LARGEST_BYTES, read_logo
from forecast.errors import ConfigError, InputError
from forecast.report.build import build_report
from forecast.report.run_records import ReportOptions, report_options
from forecast.runs.inputs import read_inputs
from tests.report.conftest import write_run

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
    built = build_report(
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
    reader = PdfReader(built.pdf)
    for page in reader.pages:
        assert page.extract_text().count("INTERNAL – DO NOT FORWARD") == 2
        assert (float(page.mediabox.width), float(page.mediabox.height)) == (612, 792)
    assert reader.metadata.title == "Strait outlook"
    front = reader.pages[0].extract_text()
    assert "Strait outlook" in front
    assert "United States – China" in front
    page = built.page.read_text(encoding="utf-8")
    assert page.count("INTERNAL – DO NOT FORWARD") == 2
    assert 'alt="Logo of Strait Risk Desk"' in page
    assert "--c-6a1b4d:#6a1b4d" in page
    assert "Impact severe: No way back." in page
    assert "no past cases; low confidence; impact severe" in " ".join(front.split())
