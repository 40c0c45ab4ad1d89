"""How good the forecasts are, on the past: origins → outcomes → baselines → scores; nothing is imported.

``windows``           origins, what is known before each, and whether the target happened after it
``logistic``          ridge-penalised logistic regression by Newton steps
``baselines``         four simple forecasts by name, at one origin or at all
``forecast_table``    forecasts and outcomes as columns; ``forecasts.csv``
``scores``            Brier with decomposition, log score, AUC, calibration line
``bootstrap``         moving-block bootstrap for means, skill and differences of overlapping windows
``calibration``       reliability bins with consistency bands, pooled calibration line
``score_table``       scores per target, horizon and model, and differences between two models
``track_record``      what a report says of one model's past; the backtest beside a run
``backtest``          what a backtest asks, checked and settled
``units``             its units of work: one family on a block of origins; their collection
``unit_store``        finished units on disk
``workers``           where units run: here, or on Dask workers
"""
