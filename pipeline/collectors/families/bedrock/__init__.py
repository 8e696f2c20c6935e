"""Amazon Bedrock: what is of its own in the answers that it gives, and the agents that it runs.

Owns what AWS adds to an answer. Does not own answers in the shape of a model's maker, which are of that family. Read
first: ``answers``.
"""
