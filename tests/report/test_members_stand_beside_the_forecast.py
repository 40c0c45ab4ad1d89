"""A forecast is shown with its members: in the outlook, in the method, on the terminal."""

import pytest

from forecast.blocks import Heading, Prose, Table, walk
from forecast.cli.terminal import lines_of
from forecast.families import COMBINED
from forecast.records.forecast import Member, MemberForecast
from forecast.report.answers import bottom_line
from forecast.report.sections.method import method_section
from forecast.report.sections.outlook import outlook_section

NAMES = {"model": "model", "panel": "pooled hazard"}


@pytest.fixture(scope="module")
def combined(factory):
    """A run whose members say a tenth less and a tenth more than the forecast."""
    forecast = factory.forecast()

    def members(one):
        found = []
        for (name, label), change in zip(NAMES.items(), (0.9, 1.1), strict=True):
            p = min(change * one.probability, 1.0)
            found.append(
                MemberForecast(name=name, label=label, weight=1 / 2, probability=p, interval90=(p / 2, p))
            )
        return tuple(found)

    targets = tuple(
        target.model_copy(
            update={
                "milestones": tuple(
                    one.model_copy(update={"members": members(one)}) for one in target.milestones
                )
            }
        )
        for target in forecast.targets
    )
    named = tuple(Member(name=name, label=label, weight=1 / 2) for name, label in NAMES.items())
    return forecast.model_copy(update={"model": "combined", "members": named, "targets": targets})


def test_the_outlook_has_a_table_of_the_members(factory, combined):
    section = outlook_section(factory.records(combined))
    (table,) = [one for one in walk(section.blocks) if isinstance(one, Table) and one.name == "members"]
    heads = [column.head for column in table.columns]
    assert heads == ["Before", "Forecast", "Model", "Pooled hazard"]
    assert [group.label for group in table.groups] == [target.label for target in combined.targets]
    first = combined.targets[0].milestones[0]
    row = table.groups[0].rows[0]
    assert [cell.value for cell in row[1:]] == [
        first.probability,
        *(member.probability for member in first.members),
    ]


def test_heads_of_groups_stand_at_the_left_whatever_the_first_column(factory, combined, compiled):
    lefts = set()

    def collect(text, matrix, text_matrix, font, size):
        if any(target.label.startswith(text.strip()) for target in combined.targets if text.strip()):
            lefts.add(round(matrix[4] + text_matrix[4] * matrix[0]))

    reader = compiled(combined)
    for page in reader.pages:
        if "What each member of the forecast says" in page.extract_text():
            page.extract_text(visitor_text=collect)
    assert len(lefts) == 1


def test_a_family_without_members_has_no_such_table(factory):
    section = outlook_section(factory.records(factory.forecast()))
    assert not [one for one in walk(section.blocks) if isinstance(one, Table) and one.name == "members"]


def test_the_method_lists_members_and_says_how_those_follow_that_know_no_acts(factory, combined):
    blocks = method_section(factory.records(combined)).blocks
    texts = [one.text for one in blocks if isinstance(one, Heading | Prose)]
    place = texts.index("What was put together")
    assert "the mean of the model and the pooled hazard, with equal weights" in texts[place + 1]
    assert any("moved by what these do to the odds in the model's futures" in one for one in texts)
    assert any(COMBINED.direct[0].method[0] == one for one in texts)


def test_the_terminal_shows_the_members(combined):
    lines = lines_of(bottom_line(combined))
    assert all(len(line) <= 80 for line in lines)
    head = next(k for k, line in enumerate(lines) if line.startswith("What each member"))
    assert lines[head + 1].split() == ["Before", "Forecast", "Model", "Pooled", "hazard"]
    assert lines[head + 2] == combined.targets[0].label
    assert "with equal weights" in " ".join(lines[head:])
