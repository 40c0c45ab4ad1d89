"""Score the pooled hazard beside the gamma–Poisson rate, dyads and coders left out; print Markdown tables.

    python -m tools.studies.coders --data DATA [--file coefficients.json] [--bed NAME ...]

Every dyad of the beds of ``tools/bench.py`` is forecast by coefficients that were learned without
it, then by those of each coder alone. Differences are log scores of the pooled hazard less those of the
gamma–Poisson rate, with block-bootstrap errors, all dyads of an origin drawn together.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from forecast.errors import ForecastError
from forecast.evaluation.past_forecasts import collect
from forecast.evaluation.score_table import ForecastTable, join_forecasts, score_by
from forecast.pooled_hazard import PooledHazard, read_hazard, shipped_hazard
from forecast.wording import HORIZONS
from tools.bench import named_beds, open_bed, plan_dyads

SEED = 20230710


def of_coder(hazard: PooledHazard, coder: str) -> PooledHazard:
    """Return the part of a hazard that was learned from one coder."""
    dyads = tuple(one for one in hazard.provenance.dyads if one.coder == coder)
    provenance = hazard.provenance.model_copy(update={"dyads": dyads})
    own = tuple(one for one in hazard.coders if one.coder == coder)
    return hazard.model_copy(update={"coders": own, "provenance": provenance})


def forecast_bed(name: str, data: Path, hazard: PooledHazard) -> ForecastTable:
    """Forecast every dyad of a bed by the pooled hazard and the baselines."""
    bed, events, ends = open_bed(name, data)
    plans, _ = plan_dyads(bed, events, ends, ("pooled_hazard",))
    return join_forecasts(
        collect(replace(plan, hazard=hazard), events[dyad], ()) for dyad, plan in plans.items()
    )


def lines(name: str, table: ForecastTable) -> Iterator[str]:
    """Rows of the table of a bed: the difference and the calibration slope of each target by horizon."""
    scores = score_by(table, "target", "horizon_days", "who", seed=SEED, equal=("what",))
    for target in table.targets:
        gaps, slopes = [], []
        for days in HORIZONS:
            ours, slope = scores[target, days, "pooled_hazard"], scores[target, days, "pooled_hazard"].line[1]
            gap = ours.minus(scores[target, days, "gamma_poisson"])
            gaps.append(f"{gap.value:+.3f} ± {gap.se:.3f}" if gap else "–")
            slopes.append(f"{slope.value:.2f} ± {slope.se:.2f}")
        yield f"| {name}, {target} | {' | '.join(gaps)} |"
        yield f"| calibration slope | {' | '.join(slopes)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 2 for bad input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--file", type=Path, help="coefficients; default: those shipped")
    parser.add_argument("--bed", action="append", choices=named_beds(), help="default: all")
    asked = parser.parse_args(arguments)
    try:
        hazard = read_hazard(asked.file) if asked.file else shipped_hazard()
        views = {"All coders, the dyad left out": hazard}
        views |= {f"Learned on {one.coder} alone": of_coder(hazard, one.coder) for one in hazard.coders}
        for title, view in views.items():
            print(f"\n**{title}**\n", f"| | {' | '.join(f'{days} d' for days in HORIZONS)} |", sep="\n")
            print("|---" * (len(HORIZONS) + 1) + "|")
            for name in asked.bed or named_beds():
                print(*lines(name, forecast_bed(name, asked.data, view)), sep="\n", flush=True)
    except ForecastError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
