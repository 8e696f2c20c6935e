"""One module a command, of its name: parse, call one job, print. Loaded when it is called.

Read first: ``usage`` (a table and its formats), then ``invoice`` (a group of commands).
"""
