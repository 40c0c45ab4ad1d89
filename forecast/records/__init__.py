"""What a run leaves behind, as types: ``forecast.json``, ``analysis.json`` and what was known beside it."""
