"""Model and counts → posterior: sampling, gates, reruns, storage. Nothing is imported here: it is slow."""
