"""How good the forecasts are, on the past: origins → outcomes → baselines → scores.

``windows``           origins, windows after them, and whether the target happened in each
``history``           what may be known at an origin, as daily arrays; where a record begins
``logistic``          ridge-penalised logistic regression by Newton steps
``climatology``       baselines 1 and 2: share of past windows, plain and given the last window
``gamma_poisson``     baseline 3: discounted rate, half-life weighted by past score
``decayed_logistic``  baseline 4: logistic regression on decayed counts
``baselines``         the four by name, at one origin or at all
``scores``            Brier with decomposition, log score, AUC, calibration line, CRPS, coverage
``bootstrap``         moving-block bootstrap for means, skill and differences of overlapping windows
``calibration``       reliability bins with consistency bands, pooled calibration line
``forecast_table``    forecasts and outcomes as columns; ``forecasts.csv``
``score_table``       scores per target, horizon and model; the content of ``scores.json``
``track_record``      what a report says of one model's past
``found_backtest``    the backtest beside a run, if it answers the same questions
``comparison``        mean difference between two models over all cells
``model_forecasts``   one model family at successive origins
``backtest``          a plan, cut into units of work, and their collection
``backtest_plan``     what a backtest asks, checked: origins, horizons, models
``unit_store``        finished units on disk
``workers``           where units run: here, in ``processes``, on a ``cluster``
``benchmark``         many dyads, one target

Nothing is imported here.
"""
