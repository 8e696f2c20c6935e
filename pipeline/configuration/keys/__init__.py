"""The secret that key ids are made with, and which ids of another secret are the same keys.

Owns where a secret is found and what the chain of aliases says. Does not own how an id is made
(``pipeline.jobs.key_ids``).

Read first: ``key_secret``, then ``key_aliases``.
"""
