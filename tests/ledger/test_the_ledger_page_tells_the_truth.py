"""What docs/ledger.md shows: commands with options that exist, figures in use."""

from pathlib import Path

from forecast.evaluation.score_table import FEWEST_OUTCOMES
from forecast.ledger.chain import DIGITS, GRACE_DAYS
from forecast.ledger.judgements import FORECAST_COLUMNS, PRICE_COLUMNS
from forecast.ledger.scoring import HORIZON_BANDS

PAGE = (Path(__file__).resolve().parents[2] / "docs/ledger.md").read_text(encoding="utf-8")


def test_the_figures_of_the_page_are_those_in_use():
    text = " ".join(PAGE.split())
    bands = ", ".join(name.removesuffix(" days") for _, name in HORIZON_BANDS)
    phrases = [
        f"made more than {GRACE_DAYS} days after",
        f"fewer than {FEWEST_OUTCOMES} of either answer",
        f"({bands} and more days)",
        *(f"`{','.join(columns)}`" for columns in (FORECAST_COLUMNS, PRICE_COLUMNS)),
        "kept to six decimals",
    ]
    assert DIGITS == 6
    assert [phrase for phrase in phrases if phrase not in text] == []
