"""What is in a bundle, that it is the same bytes every time, and that it verifies with nothing but a public key."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile

import pytest

from hardener.evidence import Packed, PublicKey, pack, read_public_key, verify
from hardener.evidence.bundle import STATEMENT
from hardener.evidence.container import read
from hardener.model import Run, digest_of
from tests.unit.evidence.samples import KEY, OTHER_KEY, REPORTS, members, sample, sealed, statement


def test_a_bundle_verifies_and_gives_the_run_back() -> None:
    run, chain = sample()
    verified = verify(sealed(), KEY.public)
    assert verified.problems == ()
    assert verified.run == run
    assert verified.about is not None
    assert verified.about.chain == chain


def test_the_same_run_gives_the_same_bytes() -> None:
    run, chain = sample()
    again = Run.model_validate_json(run.model_dump_json())
    assert pack(Packed(run=again, chain=chain, reports=dict(reversed(REPORTS.items())), plan=b"{}"), KEY) == sealed()


def test_everything_an_auditor_asks_for_is_in_it() -> None:
    packed = members()
    assert sorted(packed) == [
        "catalogue.json",
        "plan.json",
        "reports/report.csv",
        "reports/report.html",
        "run.json.gz",
        "statement.dsse.json",
        "transcripts/00001.json.gz",
        "transcripts/00002.json.gz",
        "transcripts/00003.json.gz",
        "waivers.json",
    ]
    assert packed["reports/report.html"] == REPORTS["report.html"]
    assert [item["id"] for item in json.loads(packed["catalogue.json"])] == ["alpha-one", "alpha-two"]
    assert [item["id"] for item in json.loads(packed["waivers.json"])] == ["accepted"]


def test_a_large_report_is_packed() -> None:
    run, chain = sample()
    packed = read(pack(Packed(run=run, chain=chain, reports={"report.json": b" " * 2_000_000}), KEY))
    assert gzip.decompress(packed["reports/report.json.gz"]) == b" " * 2_000_000


def test_a_transcript_says_who_was_asked_how_and_what() -> None:
    told = json.loads(gzip.decompress(members()["transcripts/00002.json.gz"]))
    assert told["target"] == "web1"
    assert told["access"]["host_key"] == "ssh-ed25519 SHA256:abc"
    assert told["access"]["become"] == {"user": "root", "method": "sudo"}
    assert (told["facts"]["machine_id"], told["facts"]["kernel"]) == ("m1", "6.1")
    assert told["transcript"]["answers"]["number alpha-two"]["stdout"] == "99\n"


def test_the_statement_names_every_member_with_its_digest() -> None:
    packed = members()
    del packed[STATEMENT]
    assert statement().digests == {name: hashlib.sha256(body).hexdigest() for name, body in packed.items()}
    assert [(item.target, item.machine_id) for item in statement().predicate.targets] == [
        ("web0", "m0"),
        ("web1", "m1"),
        ("web2", "m2"),
    ]


def test_the_run_in_it_is_the_one_the_chain_ends_with() -> None:
    run, chain = sample()
    form = gzip.decompress(members()["run.json.gz"])
    assert hashlib.sha256(form).hexdigest() == digest_of(run) == chain[-1].digest


def test_any_zip_program_opens_it() -> None:
    with zipfile.ZipFile(io.BytesIO(sealed())) as archive:
        assert archive.testzip() is None
        assert {item.filename: archive.read(item) for item in archive.infolist()} == members()
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("written", [KEY.public.pem, KEY.public.ssh.encode(), f"{KEY.public.ssh} me@here\n".encode()])
def test_the_public_key_may_be_openssl_s_or_openssh_s(written: bytes) -> None:
    assert read_public_key(written) == KEY.public
    assert verify(sealed(), read_public_key(written)).problems == ()


def test_a_key_of_somebody_else_verifies_nothing_and_is_named() -> None:
    verified = verify(sealed(), OTHER_KEY.public)
    assert verified.problems == (
        f"statement.dsse.json: signed with another key: {KEY.public.id}, not {OTHER_KEY.public.id}",
    )
    assert verified.run is None


def test_a_later_bundle_goes_on_from_an_earlier_one() -> None:
    run, chain = sample()
    assert verify(sealed(), KEY.public, chain[:3]).problems == ()
    other = (*chain[:2], chain[2].model_copy(update={"run": "gone", "chained": "0" * 64}))
    assert verify(sealed(), KEY.public, other).problems == (
        "chain: where the earlier bundle has run gone it has another: night-003",
    )
    assert verify(sealed(), KEY.public, (*chain, chain[-1].model_copy(update={"run": "later"}))).problems == (
        "chain: ends before run later, which the earlier bundle has",
    )
    assert run.id == "night-005"


def test_a_public_key_has_the_fingerprint_that_ssh_keygen_shows() -> None:
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
    key = PublicKey(bytes(range(32)))
    assert key.ssh == line
    assert key.id.startswith("SHA256:")
    assert len(key.id) == len("SHA256:") + 43
