"""The scenario page: a run, a state of the page → an answer, from the code that every scenario runs through.

``engine`` says what the page opens with, answers and makes new fits; ``server`` has the addresses and says
who may ask; ``page`` is what runs in the browser.
"""
