"""How a variable is called that holds a secret; it knows names, and no value."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Final

HIDDEN: Final = "(hidden)"
"""What is shown in the place of a value that nobody may read."""

# What people, and the tools they use, call a secret in the environment (upper case, as globs).
SECRET_NAMES: Final = (
    "*PASSWORD", "*PASSWD", "*PASSPHRASE", "*_PASS", "*SECRET", "*_SECRET_*", "*TOKEN",
    "*PRIVATE_KEY", "*API_KEY", "*APIKEY", "*ACCESS_KEY", "*SECRET_KEY", "*SIGNING_KEY",
    "*ENCRYPTION_KEY", "*CREDENTIALS", "*CONNECTION_STRING", "*WEBHOOK_URL", "*_AUTH",
)  # fmt: skip

_CREDENTIALS = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]+(?=@)")


def is_secret_name(name: str) -> bool:
    """Tell whether a variable or an option holds a secret by its name; case does not matter."""
    upper = name.upper().replace("-", "_").replace(".", "_")
    return any(fnmatchcase(upper, pattern) for pattern in SECRET_NAMES)


def shown(name: str, value: str) -> str:
    """Return a value as it may be shown under its name: a secret's not, a URL's password not."""
    if is_secret_name(name):
        return HIDDEN
    return _CREDENTIALS.sub(rf"\1:{HIDDEN}", value)
