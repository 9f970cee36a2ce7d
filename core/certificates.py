"""The certificate that signs what the studio publishes: the operator's, or one of the studio's own, made once."""

import datetime
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from settings import ROOT, Settings

FOLDER = "signing"  # in DATA_DIR
CHAIN, KEY = "chain.pem", "key.pem"
YEARS = 10  # that an own certificate is valid
CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")  # the purpose that C2PA 2.x names for claims
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
MIN_RSA_BITS = 2048


class SigningError(Exception):
    """Nothing can be signed. The message is one sentence that a user understands and says what to do."""


@dataclass(frozen=True)
class Certificate:
    """A chain in PEM, leaf first, the leaf's key in PEM (PKCS #8), and C2PA's name of the signature algorithm."""

    chain: bytes
    key: bytes = field(repr=False)
    algorithm: str


def load(settings: Settings) -> Certificate:
    """The certificate of C2PA_CERT and C2PA_KEY; where neither is set, the studio's own, made at the first call.

    Raises SigningError where it cannot be read, made or used.
    """
    if settings.c2pa_cert or settings.c2pa_key:
        if not (settings.c2pa_cert and settings.c2pa_key):
            raise SigningError("C2PA_CERT and C2PA_KEY go together: set both, or neither.")
        return _read(ROOT / settings.c2pa_cert, ROOT / settings.c2pa_key, "C2PA_CERT and C2PA_KEY")
    folder = settings.data_dir / FOLDER
    try:
        if not folder.exists():
            _make(folder)
    except OSError as error:
        raise SigningError(f"The signing key cannot be kept in {folder}: {error.strerror}.") from error
    return _read(folder / CHAIN, folder / KEY, f"{folder} (remove it and a new one is made)")


def _read(chain: Path, key: Path, where: str) -> Certificate:
    try:
        chain_pem, key_pem = chain.read_bytes(), key.read_bytes()
        leaf = x509.load_pem_x509_certificates(chain_pem)[0]
        private = serialization.load_pem_private_key(key_pem, None)
    except OSError as error:
        raise SigningError(f"{error.filename} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningError(f"{where}: no certificate and key in PEM form, without a password.") from error
    if private.public_key() != leaf.public_key():
        raise SigningError(f"{where}: the key is not the certificate's.")
    if not leaf.not_valid_before_utc <= datetime.datetime.now(datetime.UTC) <= leaf.not_valid_after_utc:
        raise SigningError(
            f"{where}: the certificate is valid from {leaf.not_valid_before_utc:%Y-%m-%d} to "
            f"{leaf.not_valid_after_utc:%Y-%m-%d} only."
        )
    pkcs8 = _pem(private)
    return Certificate(chain_pem, pkcs8, _algorithm(private, where))


def _algorithm(key: object, where: str) -> str:
    """C2PA's name of the algorithm for a kind of key (C2PA 2.2, 13.2.1)."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES:
        return CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= MIN_RSA_BITS:
        return "ps256"
    raise SigningError(f"{where}: the key must be ECDSA (P-256, P-384, P-521), Ed25519, or RSA of 2048 bits.")


def _pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _make(folder: Path) -> None:
    """Make a chain in a folder that is complete or not there: of several processes that start, one is first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{FOLDER}-"))  # mode 0700
    try:
        chain, key = _new_chain()
        (new / CHAIN).write_bytes(chain)
        handle = os.open(new / KEY, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(key)
        with suppress(FileExistsError, NotADirectoryError):
            new.rename(folder)
        if not folder.is_dir():
            raise NotADirectoryError(0, "something else is in its place", str(folder))
    except OSError as error:
        if not folder.is_dir():  # else another process was first, and its chain counts
            raise error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _new_chain() -> tuple[bytes, bytes]:
    """A leaf and the root that signed it, in PEM, and the leaf's key. The root's key is forgotten: it signs no more."""
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, leaf_name = _name("TrendTok Studio, own root"), _name("TrendTok Studio, this installation")
    root = (
        _certificate(root_name, root_name, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    # C2PA asks for one of its purposes; readers before 2.x know that of e-mail only.
    purposes = [CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    leaf = (
        _certificate(leaf_name, root_name, leaf_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (leaf, root))
    return chain, _pem(leaf_key)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TrendTok Studio"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))  # clocks differ
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(**used: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**dict.fromkeys(names, False) | used)
