"""The pooled hazard: how likely a target is, learned on other dyads and adjusted to one dyad's own past.

``features``      what is known at an origin, as numbers that mean the same in every dyad
``hazard``        coefficients with their posterior, and the probabilities that follow from them
``learning``      coefficients from the records of many dyads
``coefficients``  those that are shipped, with what they were learned from
"""
