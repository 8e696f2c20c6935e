"""What an object store refused, in one line: which object, what was not done, what the store answered, what to do.

The code of an answer (S3's, Google's XML, Azure's) says what is wrong, and so what helps: other credentials, a clock
that is right, another region, a right that is lacking. It also says whether the store refused one object, such as one
in an archive, or everything: of the first the others may still be asked for.

Owns these words. Does not own the calls (``stores``) nor when a store is asked no more.
"""

from __future__ import annotations

import re

from pipeline.base.errors import StoreRefused

_REQUEST = re.compile(r"^.*Error performing [A-Z]+ \S+ in \S+.*?\s+- ")
"""What is told of a request before why it failed: where it went, how long it took."""
_ANSWER = re.compile(r"\s*: *<.*$")
_CODE = re.compile(r"<Code>([A-Za-z][A-Za-z.]{0,59})</Code>")
"""As in the errors of S3, Google's XML and Azure."""
_STATUS = re.compile(r"Server returned non-2xx status code: (\d{3}\b.*)")
_REDIRECTED = "incorrectly configured region"
_NO_PATH = re.compile(r'Encountered object with invalid path: .*?\bPath "(.*?)"(?::| contained)', re.DOTALL)
"""The library keeps no key with a part that is empty, ``.`` or ``..``, or with a control character."""

_AGAIN = "then run the command again"
_CREDENTIALS = f"check the credentials in the environment, {_AGAIN}"
_ARCHIVED = "it lies in an archive: have it restored, or take it out of the paths of its source"
_ANOTHER_REGION = f"the bucket is in another region: set AWS_REGION to that, {_AGAIN}"
_ENCRYPTED = f"the key that it is encrypted with cannot be used: have that allowed, {_AGAIN}"
_OTHERWISE = f"check the address, the credentials in the environment and that the store can be reached, {_AGAIN}"
_ADVICE = {
    "ExpiredToken": f"the credentials in the environment are over: renew them, {_AGAIN}",
    "TokenRefreshRequired": f"the credentials in the environment are over: renew them, {_AGAIN}",
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "AuthenticationFailed": _CREDENTIALS,
    "RequestTimeTooSkewed": f"the clock of this machine is not the store's: set it, {_AGAIN}",
    "PermanentRedirect": _ANOTHER_REGION,
    "AuthorizationHeaderMalformed": _ANOTHER_REGION,
    "NoSuchBucket": f"there is no such bucket: check the address, or make it, {_AGAIN}",
    "ContainerNotFound": f"there is no such container: check the address, or make it, {_AGAIN}",
    "InvalidObjectState": _ARCHIVED,
    "BlobArchived": _ARCHIVED,
}
_RIGHTS = {
    "list": "s3:ListBucket",
    "read": "s3:GetObject",
    "find": "s3:GetObject",
    "create": "s3:PutObject",
    "put": "s3:PutObject",
    "replace": "s3:PutObject",
    "remove": "s3:DeleteObject",
}
_OF_ONE_OBJECT = frozenset({"AccessDenied", "InvalidObjectState", "BlobArchived"})


def refusal(url: str, doing: str, key: str, error: Exception) -> StoreRefused:
    """Return what the library raised as ``StoreRefused``: in one short line, and nothing of what was sent.

    ``doing`` is the call: ``read``, ``list`` and the others of ``stores``.
    """
    where = f"{url}/{key}" if key else url
    said = str(error).strip()
    code = _code(said)
    unlisted = _NO_PATH.search(said)
    if unlisted is not None:
        return StoreRefused(
            f"could not {doing} {where}: no key like {unlisted[1]!r} can be listed (a part of it is empty, '.' or "
            "'..', or has a control character); rename or remove that object, or name a folder that it is not in, "
            f"{_AGAIN}"
        )
    is_of_object = key != "" and doing == "read" and (code in _OF_ONE_OBJECT or code.startswith("KMS."))
    return StoreRefused(
        f"could not {doing} {where}: {_reason(said, code, error)}; {_advice(url, doing, said, code)}",
        is_of_object=is_of_object,
    )


def _code(said: str) -> str:
    found = _CODE.search(said)
    if found is not None:
        return found[1]
    return "PermanentRedirect" if _REDIRECTED in said else ""


def _advice(url: str, doing: str, said: str, code: str) -> str:
    if code == "AccessDenied":
        right = f"the right to {doing} it"
        right += f" ({_RIGHTS[doing]})" if url.startswith("s3://") and doing in _RIGHTS else ""
        return f"the credentials in the environment lack {right}: have it granted, {_AGAIN}"
    if code.startswith("KMS."):
        return _ENCRYPTED
    if "status code: 5" in said or code == "SlowDown":
        return f"it was asked several times; wait, {_AGAIN}"
    return _ADVICE.get(code, _OTHERWISE)


def _reason(said: str, code: str, error: Exception) -> str:
    """Say why; what servers answer may repeat what they were sent, and only its status and its code are told."""
    why = _ANSWER.sub("", _REQUEST.sub("", said.partition("\n")[0]))[:200]
    status = _STATUS.search(why)
    told = f" ({code})" if code and code not in why else ""
    if status is not None:
        return f"the store answered {status[1]}{told}"
    return f"{type(error).__name__}: {why}{told}"
