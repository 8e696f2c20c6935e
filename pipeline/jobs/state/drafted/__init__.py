"""Drafts of earlier nights, kept by all that they are made from, so that a night makes those alone that changed.

Owns what drafts depend on, what is kept of them, and which files are written. Does not own how a draft is made
(``pipeline.jobs.state.drafts``, ``pipeline.invoicing``), nor any truth: issuing and ``verify`` make every draft, from
all events. Read first: ``changed``, then ``families``.
"""
