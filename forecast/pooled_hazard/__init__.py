"""The pooled hazard: how likely a target is, learned on other dyads and adjusted to one dyad's own past.

``coefficients``  coefficients with their posterior and provenance; those that are shipped
``hazard``        what is known at an origin, and the probabilities that follow
``learning``      coefficients from the records of many dyads
"""
