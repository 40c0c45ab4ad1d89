"""The pooled hazard: how likely a target is, learned on other dyads and adjusted to one dyad's own past.

``features``      what is known at an origin, as numbers that mean the same in every dyad
``coefficients``  coefficients with their posterior and provenance; those that are shipped
``hazard``        the probabilities that follow from them
``learning``      coefficients from the records of many dyads
"""
