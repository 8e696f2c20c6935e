"""APIs of one provider or server each, that are chat by another name: their counts stand elsewhere, and mean the same.

Owns where each of them states what. Does not own what the counts mean once they are found (``chat_usage``) nor families
with rules of their own, which are modules beside this package. To add one, add a row to ``apis``. Read first:
``counted``, then ``apis``.
"""
