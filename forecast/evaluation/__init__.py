"""How good the forecasts are, on the past: origins → outcomes → forecasts → scores.

``study`` makes rows here or on Dask and keeps them; ``past_forecasts`` forecasts at past origins;
``score_table`` and ``metrics`` score; ``track_record`` is what a report says of it.
"""
