"""Over TLS, only who has a certificate of the cluster's authority takes part, and nothing is sent in the clear."""

import datetime
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.engines import no_report
from core.executors import ClusterLost, open_pools
from tests import clusters
from tests.cluster import stages

DAY = datetime.timedelta(days=1)


def certificate(name, folder, authority=None):
    """A certificate and its key, signed by an authority or, as one, by itself; the files and what signs."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signing = authority or (subject, key)
    made = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), now - DAY, now + DAY)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .sign(signing, hashes.SHA256())
    )
    plain = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(key.private_bytes(plain[2], plain[1], plain[0]))
    return folder / f"{name}.pem", folder / f"{name}.key", (subject, key)


@pytest.mark.slow
def test_who_has_a_certificate_of_the_authority_takes_part_and_nobody_else(tmp_path):
    authority, _key, signs = certificate("authority", tmp_path)
    ours, our_key, _ = certificate("node", tmp_path, signs)
    theirs, their_key, _ = certificate("stranger", tmp_path)
    named = {"DASK_TLS_CA": authority, "DASK_TLS_CERT": ours, "DASK_TLS_KEY": our_key}
    with clusters.running(tmp_path, workers=1, **named) as cluster:
        settings = cluster.settings()
        pools = clusters.ready(open_pools(settings), 1)
        folder, *_ = pools.videos.submit(stages.where, settings, no_report).result(60)
        assert folder.endswith("worker-0/data")
        pools.close()
        for strange in (
            replace(settings, dask_tls_cert=str(theirs), dask_tls_key=str(their_key)),
            replace(settings, dask_scheduler=settings.dask_scheduler.replace("tls", "tcp")),
        ):
            outside = open_pools(replace(strange, cluster_patience=2))
            with pytest.raises(ClusterLost, match="cannot be reached"):
                outside.videos.submit(stages.where, strange, no_report).result(60)
            outside.close()
