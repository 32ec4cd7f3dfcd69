"""No password or token in what is printed, logged, recorded or sent to MLflow.

Light: the Snakefile imports it, and so does every job.
"""

from __future__ import annotations

import re

_HIDDEN = "***"
# The user and password of an address. A password may hold what should have been escaped, as / or @,
# so that after `user:` everything up to the last @ counts, unless a port is there.
_USER = re.compile(
    r"""(?P<scheme>\b[a-z][a-z0-9+.-]*://)
        (?: [^\s/?\#'"<>:@]* : (?!\d+(?:[/?\#\s]|$)) [^\s'"<>]* | [^\s/?\#'"<>]* ) @""",
    re.IGNORECASE | re.VERBOSE,
)
_SECRET = re.compile(
    r"""(?P<name>[?&;\#][\w.-]*(?:token|key|passw|pwd|secret|sig|credential|auth)[\w.-]*=)
        [^\s&;\#'"<>]+""",
    re.IGNORECASE | re.VERBOSE,
)


def masked(text: str) -> str:
    """A text with user names, passwords and tokens of the addresses in it replaced by ``***``."""
    return _SECRET.sub(rf"\g<name>{_HIDDEN}", _USER.sub(rf"\g<scheme>{_HIDDEN}@", text))
