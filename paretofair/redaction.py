"""Secrets of URLs, which nobody reads in a message, a log or a file. Imports nothing of ours."""

from __future__ import annotations

import logging
import re
from urllib.parse import unquote

# The user information is a group of its own, since a secret that should have been quoted may hold any character: after
# a colon that begins no port it goes to the next @, whatever is between, but for a space and another URL.
_URL = re.compile(
    r"""([A-Za-z][A-Za-z0-9+.-]*)://"""
    r"""([^\s"'<>\\/?:@]*:(?!\d+["'/])(?:(?!://)\S)*?@)?"""
    r"""([^\s"'<>\\?#]*(?:\#[^\s"'<>\\/?]*@[^\s"'<>\\?#]*)?)([?#][^\s"'<>\\]*)?"""
)
_HIDDEN = "***"
# Parameters of the file systems of pyarrow that are no secret. Any other may be a key, a token or a signature.
_SHOWN = frozenset(
    """
    region scheme endpoint_override anonymous retry_limit_seconds default_metadata check_directory
    allow_bucket_creation allow_bucket_deletion allow_delayed_open background_writes tls_ca_file_path
    enable_tls blob_storage_authority dfs_storage_authority blob_storage_scheme dfs_storage_scheme
    replication buffer_size default_block_size user
    """.split()  # noqa: SIM905 (a list would be a name a line)
)


def redact(text: str) -> str:
    """`text` with the user information and the secret parameters of every URL in it replaced by `***`.

    >>> redact("s3://KEY:SECRET@bucket/run?region=eu&session_token=abc cannot be written")
    's3://***@bucket/run?region=eu&session_token=*** cannot be written'
    """
    return _URL.sub(_redact_url, text) if "://" in text else text


def redact_record(record: logging.LogRecord) -> bool:
    """A filter of a logger: every message is kept, without secrets."""
    record.msg, record.args = redact(record.getMessage()), ()
    return True


def _redact_url(found: re.Match[str]) -> str:
    scheme, user, place, rest = found[1], found[2], found[3], found[4] or ""
    host, slash, path = place.partition("/")
    if user or "@" in host:
        place = f"{_HIDDEN}@{host.rpartition('@')[2]}{slash}{path}"
    elif ":" in place.rpartition("@")[0]:
        # A secret that should have been quoted: what stands before the last @ may be a part of it.
        place = f"{_HIDDEN}@{place.rpartition('@')[2]}"
    pairs = (_redact_parameter(*pair.partition("=")) for pair in rest[1:].split("&"))
    return f"{scheme}://{place}{rest[:1]}{'&'.join(pairs)}"


def _redact_parameter(name: str, equals: str, value: str) -> str:
    harmless = unquote(name).lower() in _SHOWN and "#" not in value and "@" not in unquote(unquote(value))
    return f"{name}{equals}{value}" if not equals or harmless else f"{name}={_HIDDEN}"
