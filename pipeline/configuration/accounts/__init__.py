"""``accounts.toml``: accounts and their keys, and of each account its terms, credits, tax and parent.

Owns what the file may say. Does not own what it means (``pipeline.accounts``), nor who sells and buys
(``pipeline.configuration.parties_toml``), which ``tallybook.toml`` says, too. Read first: ``accounts_file``, then
``account_terms``.
"""
