"""Sentences, each made from typed facts by a function that is named for what it states.

Check, terminal, brief, report, page, watch and ledger choose statements and place them; none writes its own.
Numbers become words through ``forecast.wording`` alone. Nothing reads the text again.
"""
