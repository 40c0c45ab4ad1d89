"""Weekly scores: for dyads known by a number a week (Goldstein-type sums) instead of coded acts.

``series``      ``ScoreSeries``: weeks × directions of scores, and of acts where they are known
``reading``     CSV file → every vintage of it, and the series as known on a day
``making``      coded events → weekly scores by a scale of codes
``parameters``  names and default priors of the model
``checking``    config → all that a run reads, checked
``record``      what a run writes: the content of ``scores.json``
"""
