"""How good the forecasts are, on the past: origins → outcomes → forecasts → scores.

``study``             tasks to rows, here or on Dask; used by every backtest and benchmark
``kept_rows``         rows on disk, by which a study that was stopped goes on
``backtest``          what a backtest asks, checked and settled
``units``             its work: one fit on a block of origins; all members and baselines beside the outcomes
``forecast_table``    forecasts and outcomes as columns; ``forecasts.csv``
``scores``            Brier with decomposition, log score, AUC, calibration line; errors by block bootstrap
``calibration``       reliability bins with consistency bands, pooled calibration line
``score_table``       scores per target, horizon and model, and differences between two models
``track_record``      what a report says of one model's past; the backtest beside a run
"""
