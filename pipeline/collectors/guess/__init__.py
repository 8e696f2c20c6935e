"""What the fields of an unknown log are called, as far as its first lines leave no doubt.

Owns the looking: at names, as gateways give them, and at what lies at places, whatever these are called. Does not own
what a value must be (``pipeline.collectors.formats``, ``pipeline.collectors.decode``), nor what is proposed to people
(``pipeline.jobs.night.logs.new_source``). Nothing that is returned is content: names of fields alone. Read first:
``fields``, then ``contents``.
"""
