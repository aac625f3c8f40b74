"""The statement about a bundle, and the envelope that signs it: in-toto Statement v1 in DSSE v1."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hardener.evidence.keys import PublicKey, Signer
from hardener.model import Link, Name, RunId, RunKind, Word

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:hardener:evidence:1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


class StatementBroken(Exception):
    """An envelope is not what its signer made, or no statement is in it; the text says why."""


class About(Word):
    """One target of the run: who it is, beyond its name."""

    target: Name
    machine_id: str | None = None
    host_key: str | None = None


class Predicate(Word):
    """What the statement says of the run in the bundle."""

    run: RunId
    kind: RunKind
    profile: str
    operator: str
    tool_version: str
    targets: tuple[About, ...]
    chain: tuple[Link, ...]
    """All runs of the store from the first one to this one."""


class Subject(BaseModel):
    """One member of the bundle, and its digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digest: Mapping[str, str]


class Statement(BaseModel):
    """The manifest: every member but the envelope with its digest, and what they are about."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    type: str = Field(default=STATEMENT_TYPE, alias="_type")
    subject: tuple[Subject, ...]
    predicate_type: str = Field(default=PREDICATE_TYPE, alias="predicateType")
    predicate: Predicate

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 by member, in hexadecimal."""
        return {item.name: item.digest.get("sha256", "") for item in self.subject}


def signed(statement: Statement, signer: Signer) -> bytes:
    """The envelope of a statement."""
    payload = _json(statement.model_dump(mode="json", by_alias=True))
    return _envelope(payload, signer.public.id, signer.sign(signed_bytes(payload)))


def signed_bytes(payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding of a payload and its type."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def opened(envelope: bytes, key: PublicKey) -> Statement:
    """The statement in an envelope that this key has signed; ``StatementBroken`` where any of that is not so."""
    payload, key_id, signature = _fields(envelope)
    if _envelope(payload, key_id, signature) != envelope:
        raise StatementBroken("the envelope was changed after it was signed")
    if key_id != key.id:
        raise StatementBroken(f"signed with another key: {key_id}, not {key.id}")
    if not key.accepts(signature, signed_bytes(payload)):
        raise StatementBroken("the statement or its signature was changed after it was signed")
    return _statement(payload)


def told(envelope: bytes) -> Statement:
    """What an envelope says, whoever signed it; ``StatementBroken`` where it says nothing."""
    return _statement(_fields(envelope)[0])


def _statement(payload: bytes) -> Statement:
    try:
        statement = Statement.model_validate_json(payload)
    except ValidationError as error:
        raise StatementBroken(f"no statement of ours: {error.errors()[0]['msg']}") from None
    if (statement.type, statement.predicate_type) != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise StatementBroken(f"a statement of another kind: {statement.predicate_type}")
    return statement


def _envelope(payload: bytes, key_id: str, signature: bytes) -> bytes:
    """Every field on a line of its own, so that an auditor gets at them with whatever is at hand."""
    fields: Mapping[str, Any] = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": key_id, "sig": base64.b64encode(signature).decode()}],
    }
    return _json(fields)


def _fields(envelope: bytes) -> tuple[bytes, str, bytes]:
    try:
        fields = json.loads(envelope)
        (signature,) = fields["signatures"]
        payload, sig = (base64.b64decode(text, validate=True) for text in (fields["payload"], signature["sig"]))
        return payload, str(signature["keyid"]), sig
    except (ValueError, TypeError, LookupError, RecursionError, binascii.Error):
        raise StatementBroken("the envelope is no DSSE envelope with one signature") from None


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=True) + "\n").encode()
