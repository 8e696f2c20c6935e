"""What people write: settings, accounts, rate cards and price lists, read strictly, and the secret behind key ids.

Owns what each file may say, and errors that name file, place, value and remedy. Does not own what it means
(``pipeline.accounts``, ``pipeline.rates``). Read first: ``workspace``, then ``settings``.
"""
