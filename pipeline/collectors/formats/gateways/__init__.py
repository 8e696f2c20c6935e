"""What gateways log of the requests that they serve: a format each, found by being here.

Owns these formats, what their lines have in common, and nginx's escapes. Does not own how formats are found
(``formats.found``) nor how a mapping is looked up (``formats.mapping``). Read first: ``envoy``, then ``access_logs``.
"""
