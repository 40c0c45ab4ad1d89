"""The order of the stages: a forecast, a backtest, hindcasts, a report built again."""
