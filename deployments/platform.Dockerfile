# Everything but the price API on Lambda: Prefect's server and worker, the flows (here and on ECS), the desk.
#
#   docker build -t pricewright/platform:0.1.0 -f deployments/platform.Dockerfile .
#
# BASE      .ci/image looks up the digest behind the tag, builds on that, and labels the image with it
# COMMIT    what `pricewright lineage` shows as the code's commit: an image has no .git

ARG BASE=python:3.11.13-slim-bookworm
FROM ${BASE}

ARG COMMIT=""
ENV PREFECT_SERVER_EPHEMERAL_ENABLED=false \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PRICEWRIGHT_COMMIT=${COMMIT} \
    OMP_WAIT_POLICY=passive \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PATH=/opt/venv/bin:${PATH}

# LightGBM wants OpenMP's library, which slim images lack.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*

RUN useradd --uid 10001 --create-home pricewright
WORKDIR /opt/pricewright
COPY .ci/uv.txt requirements.lock pyproject.toml README.md ./
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir --require-hashes -r uv.txt \
    && uv pip install --no-cache --compile-bytecode --torch-backend cpu --python /opt/venv/bin/python \
        --require-hashes -r requirements.lock

COPY --chown=10001 . .
RUN uv pip install --no-cache --no-deps --python /opt/venv/bin/python -e . \
    && python3 -m compileall -q bench blocks cli deployments flows inference pricewright tasks \
    && mkdir -p lake work /var/lib/pricewright && chown -R 10001 . /var/lib/pricewright

# A checkout without .git: .dvc/config says core.no_scm, and the ledger's own files belong to the user that runs it.
USER 10001
ENTRYPOINT ["/opt/pricewright/deployments/entrypoint.sh"]
CMD ["prefect", "worker", "start", "--pool", "pricewright-process", "--type", "process", "--with-healthcheck"]
