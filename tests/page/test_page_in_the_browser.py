"""The scenario page in headless Chromium, over the server that ``forecast app`` starts."""

import base64
import json
import re

import pytest

from forecast.wording import words

MOVED = "baseline.weekly_rate.escalation"
VISIT = "[data-scheduled='A minister visits']"


def settled(page) -> dict:
    """Wait until the page has answered; the headline's data."""
    page.wait_for_selector("#number[data-state]:not([data-state=working])", state="attached")
    return page.evaluate("({...document.getElementById('number').dataset})")


def until(page, expression: str) -> None:
    """Wait until an expression holds (the policy of the page forbids the browser's own way to wait)."""
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


def probability(page) -> float:
    data = settled(page)
    assert data["state"] == "ready", page.inner_text("#answer")
    return float(data["probability"])


def move(page, stop: int) -> None:
    """Put the slider of a belief on one of its places."""
    page.wait_for_selector("[data-belief]", state="attached")
    if not page.locator(f"[data-belief='{MOVED}']").count():
        page.click(".beliefs details.more > summary")
    page.wait_for_selector(f"input[data-prior='{MOVED}']", state="attached")
    page.eval_on_selector(
        f"input[data-prior='{MOVED}']",
        """(slider, place) => {
            slider.value = place;
            for (const kind of ["input", "change"]) slider.dispatchEvent(new Event(kind));
        }""",
        str(stop),
    )


def fill(page, key: str, text: str) -> None:
    """Fill in a field and leave it."""
    page.fill(f"[data-key={key}]", text)
    page.locator(f"[data-key={key}]").blur()


def state_of(page) -> dict:
    """What the address holds."""
    text = page.evaluate("location.hash").removeprefix("#")
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def link_of(state: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")


def assert_same(page, scenario: dict) -> None:
    """The numbers of the command line."""
    assert probability(page) == pytest.approx(scenario["probability"], abs=1e-9)
    change = re.search(r"[+−]?[\d.]+", page.inner_text("#milestones tr.marked td:last-child"))[0]
    assert float(change.replace("−", "-")) == pytest.approx(
        100 * scenario["difference"]["value"], abs=0.05001
    )


@pytest.fixture
def page(open_page, address):
    """The page when it has opened."""
    opened = open_page(address)
    settled(opened)
    return opened


def test_the_page_opens_with_the_numbers_of_the_run(page, said_by_run):
    assert probability(page) == pytest.approx(said_by_run["probability"], abs=1e-12)
    assert page.inner_text("#sentence").startswith(words(said_by_run["probability"]).capitalize())
    assert page.locator("#milestones tbody tr").count() == 2
    assert page.is_disabled("#save-yaml")
    assert "Nothing changed yet" in page.inner_text("#change")
    # The scale of page 1.
    left = page.evaluate("""document.querySelector("#scale .band > b").style.getPropertyValue("--at")""")
    assert float(left.rstrip("%")) == pytest.approx(100 * said_by_run["probability"], abs=1e-9)


def test_what_a_reader_holds_is_reconciled_with_the_run(page, said_by_run):
    held = said_by_run["probability"] / 2
    fill(page, "hold", str(100 * held))
    until(page, "document.querySelector('#held table')")
    assert "the run says" in page.inner_text("#held")
    assert probability(page) == pytest.approx(held, rel=1e-4)
    # Foreign text stays text.
    assert "<b>&amp;</b>" in page.inner_text(".past")


def test_a_belief_is_moved_by_a_slider_as_on_the_command_line(page, scenario):
    run = probability(page)
    move(page, 12)
    assert probability(page) > run
    assert_same(page, scenario("--prior", f"{MOVED}={state_of(page)['priors'][MOVED]}"))
    assert "acts a year on average" in page.inner_text(f"[data-belief='{MOVED}'] .reading")
    assert "independent draws" in page.inner_text("#trust")
    move(page, 8)
    assert probability(page) == run
    assert state_of(page)["priors"] == {}


def test_an_act_is_added_by_a_click_told_by_its_anchor_and_dragged_to_another_day(page, scenario):
    box = page.locator("#track").bounding_box()
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 12)
    page.select_option("[data-key=category-0]", "sanction")
    page.select_option("[data-key=severity-0]", "4")
    anchor = "Sweeping controls on a sector, or tariffs on a large part of trade"
    assert page.inner_text("[data-key=severity-0] option:checked") == f"4 – {anchor}"
    page.locator("[data-key=chance-0]").fill("50")
    first = page.input_value("[data-key=date-0]")
    settled(page)
    wide = "(one) => [one.clientWidth, one.firstElementChild.clientWidth]"
    room, drawn = page.eval_on_selector("#effect", wide)
    assert drawn == room > 260
    mark = page.locator("[data-key=mark-0]").bounding_box()
    page.mouse.move(mark["x"] + 8, mark["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], mark["y"], steps=6)
    page.mouse.up()
    moved = page.input_value("[data-key=date-0]")
    assert moved > first
    act = {"date": moved, "category": "sanction", "severity": 4, "probability": 0.5}
    assert state_of(page)["events"] == [act]
    assert_same(page, scenario("--event", f"{moved}:sanction:4:0.5"))
    assert "is assumed: the act itself is the event." in page.inner_text("#change")
    assert "If you believe otherwise" in page.inner_text("#change")
    page.click("[data-key=remove-0]")
    assert state_of(page)["events"] == []


def test_a_kind_that_the_record_lacks_is_ticked_as_new(open_page, address):
    def name_a_kind(route):
        model = route.fetch().json()
        for category in model["categories"]:
            category["subcategories"] = ["protest"]
        route.fulfill(json=model)

    page = open_page(address)
    page.route("**/model*", name_a_kind)
    page.reload()
    settled(page)
    page.click("#add-act")
    fill(page, "subcategory-0", "protest")
    assert not page.locator("[data-key=new-0]").count()
    fill(page, "subcategory-0", "sit-in")
    page.check("[data-key=new-0]")
    assert state_of(page)["new_subcategories"] == ["sit-in"]
    assert probability(page)
    page.uncheck("[data-key=new-0]")
    assert state_of(page)["new_subcategories"] == []


def test_an_act_has_a_kind_a_side_a_window_and_is_done_or_seen(page, scenario):
    page.click("#add-act")
    page.select_option("[data-key=category-0]", "dispute")
    kinds = page.eval_on_selector_all("#kinds-0 option", "all => all.map((one) => one.value)")
    assert kinds == []  # the record of the test names none
    fill(page, "subcategory-0", "visit_of_a_speaker")
    page.select_option("[data-key=severity-0]", "3")
    page.select_option("[data-key=by-0]", "USA")
    fill(page, "date-0", "2022-07-10")
    fill(page, "until-0", "2022-07-20")
    done = probability(page)
    act = {"window": ["2022-07-10", "2022-07-20"], "category": "dispute", "severity": 3, "probability": 1}
    act |= {"by": "USA", "subcategory": "visit_of_a_speaker"}
    assert state_of(page)["events"] == [act]
    option = "2022-07-10..2022-07-20:dispute/visit_of_a_speaker:3:USA"
    assert_same(page, scenario("--event", option))
    assert page.inner_text("#effect-table tbody").count("%") == 12
    assert page.locator("#effect svg polyline").count() == 2
    # The arrow keys move the whole window.
    page.focus("[data-key=mark-0]")
    page.keyboard.press("ArrowRight")
    assert state_of(page)["events"][0]["window"] == ["2022-07-11", "2022-07-21"]
    page.keyboard.press("ArrowLeft")
    page.check("[data-key=seen-0]")
    assert probability(page) != done
    assert_same(page, scenario("--see", option))
    assert not page.locator("[data-key=chance-0]").count()


def test_a_target_is_made_so_many_times_as_likely_in_a_window(page, scenario):
    run = probability(page)
    page.click("#add-ratio")
    fill(page, "ratio-first-0", "2022-09-01")
    fill(page, "ratio-last-0", "2022-10-30")
    fill(page, "ratio-0", "3")
    assert probability(page) > run
    assert state_of(page)["beliefs"] == [
        {"target": "escalation", "window": ["2022-09-01", "2022-10-30"], "ratio": 3}
    ]
    assert_same(page, scenario("--belief", "escalation:2022-09-01..2022-10-30:3"))
    page.click("[data-key=ratio-remove-0]")
    assert probability(page) == run
    # What one holds is one belief: the ratio of the hazards.
    fill(page, "hold", "30")
    assert probability(page) == pytest.approx(0.3, abs=0.001)
    (held,) = state_of(page)["beliefs"]
    assert held["window"] == ["2022-07-01", "2022-12-31"]
    page.click("[data-key=ratio-remove-0]")
    assert probability(page) == run


def test_the_saved_scenario_gives_the_same_on_the_command_line(page, scenario, tmp_path):
    page.click("#add-act")
    fill(page, "label-0", "A “visit”: with #signs")
    page.locator(VISIT).fill("100")
    settled(page)
    with page.expect_download() as saved:
        page.click("#save-yaml")
    file = tmp_path / saved.value.suggested_filename
    saved.value.save_as(file)
    assert_same(page, scenario(file))


def test_what_the_draws_cannot_tell_is_withheld_and_fitted_again(page, open_page):
    page.check("#past-e4")
    assert settled(page) == {"state": "withheld"}
    assert page.inner_text("#number") == "Withheld"
    assert "fitted again" in page.inner_text("#sentence")
    assert not page.is_visible("#milestones")
    page.click("#start-refit")
    page.wait_for_selector("#cancel-refit")
    # A second fit at once is refused; the first goes on.
    other = open_page(page.url)
    settled(other)
    other.click("#start-refit")
    other.wait_for_selector("#refit-problem")
    assert "another new fit is being made" in other.inner_text("#refit-problem")
    open_page.faults.clear()  # the browser notes the refusal (409) as an error of its own
    page.click("#cancel-refit")
    page.wait_for_selector("#start-refit")
    assert settled(page) == {"state": "withheld"}


def test_a_new_fit_gives_its_answer_which_is_kept(page):
    with page.expect_response(re.compile("/answer$")) as told:
        page.check("#past-e4")
    row = {
        "name": "new-year",
        "probability": 0.31,
        "difference": 0.1,
        "interval90": [0.1, 0.5],
        "chance": "31%",
        "range": "10–50%",
        "run": "",
        "change": "",
    }
    answer = told.value.json() | {"status": "ready", "chance": "31%", "milestones": [row]}
    page.route(re.compile("/refit$"), lambda route: route.fulfill(json=answer))
    page.click("#start-refit")
    page.wait_for_selector("#number[data-state=ready]")
    assert probability(page) == 0.31
    # Going away and back needs no other fit.
    page.uncheck("#past-e4")
    settled(page)
    page.check("#past-e4")
    assert probability(page) == 0.31


def test_the_back_button_and_a_link_bring_a_state_back_and_reset_the_run(page, open_page, said_by_run):
    run = probability(page)
    move(page, 10)
    moved, link = probability(page), page.url
    page.click("#add-act")
    both = probability(page)
    page.go_back()
    page.wait_for_selector("#acts fieldset", state="detached")
    assert probability(page) == moved
    page.go_back()
    assert probability(page) == run
    page.go_forward()
    page.go_forward()
    page.wait_for_selector("#acts fieldset")
    assert probability(page) == both
    again = open_page(link)
    until(again, "location.hash.length > 1")
    assert probability(again) == pytest.approx(moved, abs=1e-9)
    page.select_option("#milestone", "autumn")
    page.click("#reset")
    settled(page)
    state = state_of(page)
    assert (state["priors"], state["events"], state["milestone"]) == ({}, [], "autumn")
    page.select_option("#milestone", "new-year")
    assert probability(page) == pytest.approx(said_by_run["probability"])


@pytest.mark.parametrize(
    ("fragment", "notice"),
    [
        (link_of({"run": "another-2020"}), "another run (another-2020)"),
        ("%%%", "This link cannot be read"),
        (link_of(None), "This link cannot be read"),
    ],
)
def test_a_link_that_is_not_of_this_run_changes_nothing(open_page, address, said_by_run, fragment, notice):
    page = open_page(f"{address}#{fragment}")
    assert probability(page) == pytest.approx(said_by_run["probability"])
    assert notice in page.inner_text("#notice")


def test_a_slow_answer_never_overtakes_a_later_change(page):
    held = []
    page.route(re.compile("/answer$"), lambda route: held.append(route) if not held else route.continue_())
    move(page, 12)
    until(page, "document.getElementById('number').dataset.state === 'working'")
    while not held:
        page.wait_for_timeout(20)
    move(page, 9)
    page.wait_for_selector("#number[data-state=ready]")
    shown = probability(page)
    held[0].continue_()
    page.wait_for_timeout(200)
    assert probability(page) == shown


def test_everything_is_reached_by_the_keyboard_alone(page):
    run = probability(page)

    def tab_to(selector: str) -> None:
        for _ in range(120):
            page.keyboard.press("Tab")
            if page.evaluate("one => document.activeElement?.matches(one)", selector):
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", selector
                return
        raise AssertionError(f"no way to {selector} by Tab")

    tab_to("#add-act")
    page.keyboard.press("Enter")
    page.keyboard.press("m")  # what has the focus is the list of kinds
    first = page.input_value("[data-key=date-0]")
    for _ in range(3):  # back over the button and the marks of later days
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.dataset.key") == "mark-0":
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate("document.activeElement.dataset.key") == "mark-0"
    days = page.evaluate(
        "([a, b]) => (Date.parse(b) - Date.parse(a)) / 864e5", [first, page.input_value("[data-key=date-0]")]
    )
    assert days == 8
    assert "Moved to" in page.inner_text("#timeline-status")
    page.keyboard.press("Delete")
    assert not page.locator("#acts fieldset").count()
    tab_to("input[data-prior]")
    page.keyboard.press("ArrowRight")
    assert probability(page) != run


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1440, "light")])
def test_axe_finds_nothing_and_nothing_is_cut_off(open_page, address, axe, width, scheme):
    page = open_page(address, width=width, height=800, scheme=scheme)
    settled(page)
    page.click("#add-act")
    page.click(".beliefs details.more > summary")
    page.check("#past-e4")
    settled(page)
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    cut = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, summary, p, td, th")]
            .filter((one) => one.checkVisibility() && !one.closest(".unseen, .skip, thead"))
            .filter((one) => {
                const box = one.getBoundingClientRect();
                return box.width > 1 && (box.left < -1 || box.right > innerWidth + 1);
            }).map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert cut == []
    scrolling = "(one) => one.scrollHeight > one.clientHeight && getComputedStyle(one).overflowY != 'visible'"
    assert page.eval_on_selector("#answer", scrolling) is False
    page.evaluate("scrollTo(0, 600)")
    assert page.evaluate("document.getElementById('number').getBoundingClientRect().top") >= 0
    steps = "import('./dom.js').then(({ monthStep }) => [30, 552, 1827].map((days) => monthStep(days, 7)))"
    assert page.evaluate(steps) == [1, 3, 12]
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) == (scheme == "dark")


def test_an_unconverged_run_is_stamped_and_takes_no_changes(open_page, serve, runs_folder, address, axe):
    for place in (address, serve(runs_folder / "failed/2022-06-30")):
        page = open_page(place)
        state, stamped = settled(page)["state"], page.is_visible("#stamp")
        assert (state, stamped) == (("ready", False) if place == address else ("withheld", True))
        assert axe(page) == []
        assert page.locator("#controls").count() == (0 if stamped else 1)
