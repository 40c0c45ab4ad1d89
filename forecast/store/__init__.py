"""A store of events that updates itself: what feeds publish, fetched, checked, merged and kept by month.

``source``     what a source of events is; ``gdelt2`` is the one we have
``fetching``   addresses → files, with time limits, retries and checksums
``folder``     the store on disk: which files were read, acts by month, repeats of one story
``update``     the order of an update, and its report
``status``     how fresh and whole each source is; which reports were merged
"""
