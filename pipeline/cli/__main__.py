"""``python -m pipeline.cli`` is ``tallybook``."""

from pipeline.cli import main

main()
