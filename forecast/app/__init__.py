"""The scenario page: a run, a state of the page → an answer, from the code that every scenario runs through.

``model`` is what page and server know of each other, ``engine`` answers and makes new fits, ``server`` has
the addresses and says who may ask; ``page`` is what runs in the browser.
"""
