"""The code that proves an address, and the words for this room's refusals. Pure."""

import datetime
import hashlib
import hmac

from config.apikit.codes import explain

CODE_LIFETIME = datetime.timedelta(minutes=30)
CODE_INTERVAL = datetime.timedelta(minutes=1)
# Crockford's base 32: no letter can be misread for a digit. Eight of them are 40 bits, too many
# to be guessed in half an hour, so that no count of wrong tries has to survive a rollback.
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011", " -")


def code_for(key: bytes, method_id: int, expires_at: datetime.datetime) -> str:
    """The code of an address until then: derived from the installation's key, stored nowhere."""
    basis = f"contact code v1 {method_id} {expires_at.astimezone(datetime.UTC).isoformat()}"
    digest = hmac.new(key, basis.encode(), hashlib.sha256).digest()
    letters = "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:8])
    return f"{letters[:4]}-{letters[4:]}"


def is_same_code(typed: str, code: str) -> bool:
    """Whatever the case, with or without hyphen, the misread letters put right."""
    return hmac.compare_digest(_plain(typed).encode(), _plain(code).encode())


def _plain(code: str) -> str:
    return code.strip().upper().translate(_MISREAD)


explain(
    contact_verified=("The address is verified", "It is used already; nothing is left to do."),
    contact_unverified=(
        "The address isn't verified",
        "Enter the code that was sent to it, or ask for a fresh one.",
    ),
    contact_removed=("The address was removed", "Add it again if it shall be used."),
    contact_code_recent=(
        "A code was sent within the last minute",
        "Wait for it, and ask for another one after a minute.",
    ),
)
