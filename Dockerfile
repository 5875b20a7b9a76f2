# The price API as a Lambda function: what serving needs and nothing else, with a release baked in as the last resort.
#
#   docker build -t pricewright --build-arg RELEASE=lake/releases/2025-W52-f5d4ff1c .
#
# BASE      Lambda's own image on Amazon Linux 2023, which brings the runtime client and the entry point; .ci/image
#           looks up the digest behind the tag, builds on that, and labels the image with it
# RELEASE   folder of a release in the build context; without it the image depends on its lake alone

ARG BASE=public.ecr.aws/lambda/python:3.13
FROM ${BASE}

ENV LAMBDA_TASK_ROOT=/var/task \
    PRICEWRIGHT_BAKED_RELEASE=/opt/release \
    OPENBLAS_NUM_THREADS=1 \
    PYTHONDONTWRITEBYTECODE=1

COPY .ci/uv.txt inference/pylock.toml /tmp/
# Bytecode is compiled here: the file system is read-only where the function runs, and each start would compile anew.
RUN python3 -m pip install --no-cache-dir --require-hashes --only-binary :all: --target /tmp/uv -r /tmp/uv.txt \
    && /tmp/uv/bin/uv pip install --no-cache --compile-bytecode --python python3 --target "${LAMBDA_TASK_ROOT}" \
        --preview-features pylock -r /tmp/pylock.toml \
    && rm -r /tmp/uv /tmp/uv.txt /tmp/pylock.toml

WORKDIR /var/task
COPY pricewright/__init__.py ./pricewright/
COPY pricewright/core ./pricewright/core
COPY inference ./inference
RUN python3 -m compileall -q pricewright inference

ARG RELEASE=inference/no-release
COPY ${RELEASE}/ /opt/release/

USER 10001
CMD ["inference.handler.handler"]
