"""Events drafted from text by a language model: proposals, which become events by a person's yes alone.

``articles``    what is read: text, title, outlet, day of publication
``endpoint``    the one place that speaks to a network, with limits of time and size
``drafting``    what a model is asked, and the checks that each of its acts must pass
``proposals``   the file of proposals and of what was decided on them
"""
