"""OpenAI's text completions: ``choices[].text``, and the usage of chat without details.

``total_tokens`` is prompt + completion in 129 of 129; where ``completion_tokens`` is absent and the total is the
prompt, it is zero. Streams state usage only where they are asked to, in the last chunk. One usage covers all choices.
Source: the API reference of OpenAI, ``completions``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.families import chat

if TYPE_CHECKING:
    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked, Reading
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "openai-completions"


def recognises(document: JsonObject) -> bool:
    """Tell a text completion, or a chunk of one."""
    return chat.is_text_completion(document)


def read(body: Body, asked: Asked) -> Reading:
    """Read a completion. Raises ``LineRefused`` where a count is none, or contradicts another."""
    return chat.read_as(NAME, body, asked)
