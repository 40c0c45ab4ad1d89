"""The figure of a backtest against its record: same dots, same bands, same bytes."""

from forecast.report.charts import draw_reliability, write_backtest_figure


def by_gid(figure):
    return {artist.get_gid(): artist for artist in figure.findobj() if artist.get_gid()}


def test_reliability_dots_and_bands_are_those_of_the_record(backtest):
    drawn = by_gid(draw_reliability(backtest.record.reliability))
    for curve in backtest.record.reliability:
        dots = drawn[f"reliability:{curve.model}"].get_offsets()
        assert dots.tolist() == [[one.forecast_mean, one.observed_share] for one in curve.bins]
        bands = [segment[:, 1].tolist() for segment in drawn[f"band:{curve.model}"].get_segments()]
        assert bands == [[one.lower90, one.upper90] for one in curve.bins]


def test_the_file_is_written_with_the_same_bytes_each_time(backtest, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    some = backtest.forecasts.select(target="major_escalation", horizon_days=30)
    first, second = (write_backtest_figure(some, tmp_path / name) for name in "ab")
    assert first.name == "reliability.svg"
    assert first.read_bytes() == second.read_bytes()
    assert b"<svg" in first.read_bytes()
