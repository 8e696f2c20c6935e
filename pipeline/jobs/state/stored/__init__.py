"""What is known of logs on object stores from the nights before, so that a night asks for what is new alone.

Owns the notes of what was collected of which object, and of what was listed when. Does not own the listing
(``pipeline.configuration.stored``) nor what was collected (the records of the lake do: a note without its record is
not believed). All of it may be deleted at any time. Read first: ``notes``.
"""
