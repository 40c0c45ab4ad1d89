"""The scenario page: a run, a state of the page → an answer, from the code that every scenario runs through.

The modules in the order of the flow: ``state`` (what the page sends, read as a scenario), ``engine`` (its
answer), ``page_model`` (what the page knows when it opens), ``refits`` (new fits, one at a time, in a process
of their own), ``guard`` (who may ask), ``server`` (the addresses, the runs below a folder), ``timing``.
"""
