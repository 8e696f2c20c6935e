"""Names of environment variables that messages tell of. Does not read any: ``pipeline.cli`` does."""

from __future__ import annotations

ENGINE_VARIABLE = "TALLYBOOK_ENGINE"
"""Names the engine, also where the address of a server holds a token."""
