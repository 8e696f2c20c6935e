"""What lies somewhere for the time of one run: folders and files of the system, and what an engine puts down.

Owns whose process a temporary folder is of, and when nobody can be at work on one. Does not own what the project makes
durable (``pipeline.objects.disk``) nor who sweeps the workspace (``pipeline.objects.litter``). Read first: ``scratch``,
then ``dead``.
"""
