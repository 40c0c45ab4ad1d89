"""What this machine reaches: samplers side by side, the cost of a gradient, the stages of a run, feeds.

Nothing is imported here, since ``stages`` times what importing takes.
"""
