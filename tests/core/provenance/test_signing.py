"""Who signs: the own chain, the operator's certificate, a time-stamp authority; and what is read again."""

import multiprocessing
import stat
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core import certificates, provenance, xmp
from core.manifest import Input
from tests.core.provenance.support import TRAINED, active, marked, stored
from tests.core.test_xmp import wav
from tools.services.faults import Reply, Service


def test_the_own_chain_is_made_once_and_only_the_owner_may_read_its_key(settings):
    first = certificates.load(settings)
    assert certificates.load(settings) == first
    key = settings.data_dir / "signing" / "key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    leaf, root = x509.load_pem_x509_certificates(first.chain)
    leaf.verify_directly_issued_by(root)
    assert "PRIVATE" not in repr(first)


def _chain(data_dir, barrier, found):
    from settings import Settings

    barrier.wait()
    found.put(certificates.load(Settings.read({"DATA_DIR": data_dir})).chain)


def test_processes_that_start_together_sign_with_the_same_chain(tmp_path):
    processes = multiprocessing.get_context("fork")
    barrier, found = processes.Barrier(4), processes.Queue()
    started = [processes.Process(target=_chain, args=(str(tmp_path / "data"), barrier, found)) for _ in range(4)]
    for process in started:
        process.start()
    chains = {found.get(timeout=60) for _ in started}
    for process in started:
        process.join()
    assert len(chains) == 1
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["signing"]


def pem_files(folder, key):
    """A certificate for a key, in a chain, as an operator has it."""
    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name, name = certificates._name("A root"), certificates._name("An operator")
    leaf = (
        certificates._certificate(name, root_name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(certificates._usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    root = (
        certificates._certificate(root_name, root_name, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(certificates._usage(key_cert_sign=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    (folder / "chain.pem").write_bytes(leaf.public_bytes(encoding) + root.public_bytes(encoding))
    (folder / "key.pem").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    )
    return {"c2pa_cert": str(folder / "chain.pem"), "c2pa_key": str(folder / "key.pem")}


def test_a_certificate_of_the_operators_signs_in_place_of_the_own(settings, tmp_path):
    chosen = replace(settings, **pem_files(tmp_path, ec.generate_private_key(ec.SECP384R1())))
    data = marked(wav(), "music.wav", TRAINED, chosen)
    assert active(data)["signature_info"]["common_name"] == "An operator"
    assert stored(data)["validation_state"] == "Valid"
    assert not (settings.data_dir / "signing").exists()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: {"c2pa_key": ""}, "C2PA_CERT and C2PA_KEY go together"),
        (lambda folder: {"c2pa_key": str(folder / "gone.pem")}, "cannot be read"),
        (lambda folder: (folder / "key.pem").write_text("rubbish") and {}, "PEM form"),
        (lambda folder: (folder / "chain.pem").write_text("") or {}, "PEM form"),
        (lambda folder: pem_files(folder, ec.generate_private_key(ec.SECP256K1())), "the key must be"),
    ],
    ids=["one without the other", "no file", "no key", "no certificate", "a key that C2PA does not know"],
)
def test_a_certificate_that_cannot_sign_costs_the_signature_alone(settings, tmp_path, spoil, reason):
    chosen = pem_files(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    result = provenance.mark(wav(), "music.wav", TRAINED, replace(settings, **(chosen | spoil(tmp_path))))
    (warning,) = result.warnings
    assert reason in warning
    assert result.claim["credentials"] == "no content credentials"
    assert xmp.extract(result.data)["Iptc4xmpExt:DigitalSourceType"].endswith("trainedAlgorithmicMedia")


def test_a_data_folder_that_cannot_be_written_costs_the_signature_alone(settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = provenance.mark(wav(), "music.wav", TRAINED, replace(settings, data_dir=tmp_path / "file"))
    assert "is not signed" in result.warnings[0]
    assert xmp.extract(result.data)


def test_a_file_of_another_kind_is_published_as_it_is_with_a_warning(settings):
    result = provenance.mark(b"no WAV at all", "music.wav", TRAINED, settings)
    assert result.data == b"no WAV at all"
    assert result.claim["credentials"] == "no content credentials"
    assert "does not say what made it" in result.warnings[0]


@pytest.fixture
def authority():
    """A time-stamp authority that answers nothing useful."""
    with Service(lambda _request: Reply(status=503)) as service:
        yield service


def test_a_time_stamp_authority_is_asked_where_one_is_set_and_costs_the_time_stamp_alone(settings, authority):
    result = provenance.mark(wav(), "music.wav", TRAINED, replace(settings, c2pa_timestamp_url=f"{authority.url}/"))
    assert [asked.headers["content-type"] for asked in authority.requests] == ["application/timestamp-query"]
    (warning,) = result.warnings
    assert "has no time stamp" in warning
    assert result.claim["credentials"] == "valid, signer unknown"


def test_a_file_is_told_in_words(settings, tmp_path):
    path = tmp_path / "music.wav"
    path.write_bytes(marked(wav(), "music.wav", replace(TRAINED, inputs=(Input("My clip"),)), settings))
    lines = provenance.lines(provenance.read(path, settings))
    assert lines[:3] == [
        "content credentials: valid, signer unknown",
        "signed by: TrendTok Studio, TrendTok Studio, this installation",
        "says it was: made by AI, a trained model",
    ]
    assert {"made by: MusicGen facebook/musicgen-small@4c8334b", "seed: 7", "made from 1: My clip"} <= set(lines)


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WAVE", b"\xff\xd8\xff" * 99])
def test_a_file_that_says_nothing_is_said_to_say_nothing(content, settings, tmp_path):
    path = tmp_path / "file.png"
    path.write_bytes(content)
    first, *_ = provenance.lines(provenance.read(path, settings))
    assert first.startswith(("content credentials: no content credentials", "content credentials: not valid"))


def test_what_a_file_says_is_kept_to_its_line(settings, tmp_path):
    path = tmp_path / "music.wav"
    path.write_bytes(xmp.embed(wav(), {"xmp:CreatorTool": "a\ncontent credentials: valid", "trendtok:Seed": "1"}))
    assert [line for line in provenance.lines(provenance.read(path, settings)) if line.startswith("content")] == [
        "content credentials: no content credentials"
    ]
