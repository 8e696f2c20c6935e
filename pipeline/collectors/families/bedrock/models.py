"""The names of models by ARNs of Bedrock."""

from __future__ import annotations

import re
from typing import Any

_NAMED_BY_ITS_END = re.compile(r"arn:[a-z0-9-]+:bedrock:[a-z0-9-]*:[0-9]*:(?:foundation-model|inference-profile)/(.+)")


def model_of(stated: Any) -> Any:
    """Return the id of a model where its ARN is stated and ends with it; anything else as it is."""
    named = _NAMED_BY_ITS_END.fullmatch(stated) if isinstance(stated, str) else None
    return stated if named is None else named[1]
