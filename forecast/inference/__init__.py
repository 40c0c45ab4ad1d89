"""Model and counts → posterior: sampling, gates, reruns, storage. Nothing is imported here, since it is slow."""
