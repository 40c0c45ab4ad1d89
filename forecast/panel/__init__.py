"""Coded events counted in time steps: the data of every fit."""
