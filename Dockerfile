# The price API as a Lambda function: what serving needs and nothing else, with a release baked in as the last resort.
#
#   docker build -t pricewright --build-arg RELEASE=lake/releases/2025-W52-f5d4ff1c .
#
# BASE      Lambda's own image, which brings the runtime client and the entry point
# RELEASE   folder of a release in the build context; without it the image depends on its lake alone

ARG BASE=public.ecr.aws/lambda/python:3.11
FROM ${BASE}

ENV LAMBDA_TASK_ROOT=/var/task \
    PRICEWRIGHT_BAKED_RELEASE=/opt/release \
    OPENBLAS_NUM_THREADS=1 \
    PYTHONDONTWRITEBYTECODE=1

COPY inference/requirements.txt /tmp/requirements.txt
# Bytecode is compiled here: the file system is read-only where the function runs, and each start would compile anew.
RUN python3 -m pip install --no-cache-dir --compile --target "${LAMBDA_TASK_ROOT}" -r /tmp/requirements.txt \
    && rm /tmp/requirements.txt

WORKDIR /var/task
COPY pricewright/__init__.py ./pricewright/
COPY pricewright/core ./pricewright/core
COPY inference ./inference
RUN python3 -m compileall -q pricewright inference

ARG RELEASE=inference/no-release
COPY ${RELEASE}/ /opt/release/

USER 10001
CMD ["inference.handler.handler"]
