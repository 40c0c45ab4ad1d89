"""How good the forecasts are on beds: many dyads with the same targets, origins and horizons."""
