"""The run of the scenarios' tests, and one whose escalation an act answers long after the acts before it."""

import pytest

from forecast.runs.run import write_run
from tests.conftest import seal

from ..scenarios.conftest import base, folder, inputs, run_from  # noqa: F401


@pytest.fixture(scope="session")
def driven_folder(inputs, run_from, tmp_path_factory):  # noqa: F811
    def drive(variables):
        variables["baseline.weekly_rate"][:] = 1e-9
        variables["answers.half_life_days"][:] = 200.0

    place = tmp_path_factory.mktemp("driven") / "2022-06-30"
    place.mkdir()
    write_run(run_from(inputs, edit=drive), place, place)
    seal(place)
    return place
