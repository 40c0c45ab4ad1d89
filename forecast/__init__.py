"""Relationship-risk forecasting: coded events in, probability of escalation before a milestone out."""
