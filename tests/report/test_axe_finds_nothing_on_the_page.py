"""axe-core in headless Chromium finds no barrier on ``report.html``: phone and desk, light and dark."""

import pytest


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier(base_run, open_page, axe, width, scheme):
    page = open_page((base_run / "report.html").as_uri(), width=width, scheme=scheme)
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # The brief, and a line for each part that can be opened: some ten screens of a phone.
    assert page.evaluate("document.documentElement.scrollHeight") < 9_000
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_link_to_a_part_opens_it(base_run, open_page):
    page = open_page((base_run / "report.html").as_uri())
    link = page.locator("nav a").nth(3)
    name = link.get_attribute("href")
    assert not page.is_visible(f"{name} > *")
    link.click()
    assert page.locator(f"{name} > *").first.is_visible()


def test_axe_sees_a_barrier(base_run, open_page, axe, tmp_path):
    source = (base_run / "report.html").read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(source.replace('<html lang="en-GB"', "<html", 1), encoding="utf-8")
    assert any(found.startswith("html-has-lang") for found in axe(open_page(broken.as_uri())))
