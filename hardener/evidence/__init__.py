"""What an auditor takes away: a run in a bundle that shows by itself when somebody changed it.

An engine: values in, values out. Files, the store and the ssh-agent are the command line's business.
"""

from hardener.evidence.bundle import Packed, pack
from hardener.evidence.keys import KeyRefused, PrivateKey, PublicKey, Signer, read_private_key, read_public_key
from hardener.evidence.rejudging import Difference, rejudge
from hardener.evidence.verifying import Verified, verify

__all__ = [
    "Difference",
    "KeyRefused",
    "Packed",
    "PrivateKey",
    "PublicKey",
    "Signer",
    "Verified",
    "pack",
    "read_private_key",
    "read_public_key",
    "rejudge",
    "verify",
]
