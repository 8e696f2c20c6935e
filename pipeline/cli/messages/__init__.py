"""What goes to stderr: as text for people, or as JSON for whatever watches the job.

Owns the forms of messages, and which of them a command line asks for. Does not own answers, which go to stdout
(``pipeline.cli.output``), nor what is worth a message. Read first: ``lines``, then ``asked``.
"""
