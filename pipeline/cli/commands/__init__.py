"""One module a command, of its name: parse, call one job, print. Loaded when it is called.

Owns the options of each command. Does not own exit codes (``pipeline.cli``) nor what is done (``pipeline.jobs``). Read
first: ``numbers.usage`` (a table and its formats), then ``invoice.draft`` (of a group).
"""
