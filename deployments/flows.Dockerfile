# The weekly job as a task on ECS: what the flows need, and the checkout that deployments point to.
#
#   docker build -t pricewright-flows -f deployments/flows.Dockerfile .

ARG BASE=public.ecr.aws/docker/library/python:3.11-slim
FROM ${BASE}

# OMP_WAIT_POLICY: threads that wait shall sleep, for more than one library brings its own. A task without the URL of
# its server shall end and not start a server of its own.
ENV PYTHONDONTWRITEBYTECODE=1 \
    OMP_WAIT_POLICY=passive \
    PREFECT_HOME=/tmp/prefect \
    PREFECT_SERVER_EPHEMERAL_ENABLED=false \
    DO_NOT_TRACK=1 \
    HOME=/tmp

# LightGBM wants libgomp, which slim images lack.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/pricewright
COPY pyproject.toml requirements.lock ./
# The locked versions of what the product needs; the test tools stay outside. torch in its CPU build.
RUN pip install --no-cache-dir uv==0.13.9 \
    && uv pip install --system --no-cache --compile-bytecode --torch-backend cpu -c requirements.lock -r pyproject.toml

COPY . .
RUN uv pip install --system --no-cache --no-deps --editable . \
    && chown -R 10001 /opt/pricewright

USER 10001
CMD ["python", "-m", "prefect", "flow-run", "execute"]
