"""How good the forecasts are, on the past: origins → outcomes → forecasts → scores; nothing is imported.

``forecast_table``    forecasts and outcomes as columns; ``forecasts.csv``
``scores``            Brier with decomposition, log score, AUC, calibration line
``bootstrap``         moving-block bootstrap for means, skill and differences of overlapping windows
``calibration``       reliability bins with consistency bands, pooled calibration line
``score_table``       scores per target, horizon and model, and differences between two models
``track_record``      what a report says of one model's past; the backtest beside a run
``pooled_scores``     scores of many dyads by horizon, of onset and continuation
``horizons``          how far ahead is tested unless told otherwise
``backtest``          what a backtest asks, checked and settled
``units``             its units of work: one family on a block of origins; their collection
``unit_store``        finished units on disk
``workers``           where units run: here, or on Dask workers
"""
