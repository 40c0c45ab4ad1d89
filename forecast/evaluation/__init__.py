"""How good the forecasts are, on the past: origins → outcomes → baselines → scores.

``windows``           origins, what is known before each, and whether the target happened after it
``logistic``          ridge-penalised logistic regression by Newton steps
``baselines``         four simple forecasts by name, at one origin or at all
``forecast_table``    forecasts and outcomes as columns; ``forecasts.csv``
``scores``            Brier with decomposition, log score, AUC, calibration line
``bootstrap``         moving-block bootstrap for means, skill and differences of overlapping windows
``calibration``       reliability bins with consistency bands, pooled calibration line
``score_table``       scores per target, horizon and model; the content of ``scores.json``
``comparison``        difference between two models over all cells; the model to ship
``track_record``      what a report says of one model's past; the backtest beside a run
``model_forecasts``   one model family at successive origins
``backtest``          what a backtest asks, checked; its units of work, and their collection
``unit_store``        finished units on disk
``workers``           where units run: here, or on Dask workers
``benchmark``         many dyads, one target
``simulation_based_calibration``  whether the posterior is that of the model

Nothing is imported here.
"""
