# The worker: torch, DALI and the supervisor. Built by `make images`, see docs/operations.md.
ARG BASE_IMAGE=python:3.12-slim-bookworm
# Wheels for a build without a network, see wheels.Dockerfile.
ARG WHEELS_IMAGE=scratch

FROM ${WHEELS_IMAGE} AS wheels

FROM ${BASE_IMAGE} AS requirements
# Of the files here only those in /pinned decide whether the dependencies are installed anew.
WORKDIR /build
COPY constraints.txt /pinned/
COPY pyproject.toml docker/requirements.py ./
# Optional ones of pyproject.toml: timm, huggingface, export, wandb, mlflow.
ARG EXTRAS=timm
RUN python3 requirements.py worker dali s3 image ${EXTRAS} > /pinned/requirements.txt

FROM ${BASE_IMAGE} AS pip
RUN python3 -m venv /run/pip

FROM ${BASE_IMAGE} AS dependencies
# A name for the user, for libraries that ask; any other uid does as well.
RUN echo 'hpo:x:10001:10001::/tmp:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'hpo:x:10001:' >> /etc/group
# One layer, and pip stays out of it. Bytecode is part of it: under a read-only root no process could
# keep its own. Some packages carry files that no Python can compile; nothing imports those.
ARG OFFLINE=
RUN --mount=type=bind,from=pip,source=/run/pip,target=/run/pip \
    --mount=type=bind,from=requirements,source=/pinned,target=/run/pinned \
    --mount=type=bind,from=wheels,target=/run/wheels \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca \
    if [ -e /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    python3 -m venv --without-pip /opt/hpo \
    && /run/pip/bin/pip --python /opt/hpo/bin/python install --no-cache-dir --no-compile \
        --disable-pip-version-check --progress-bar off ${OFFLINE:+--no-index} \
        --find-links /run/wheels \
        --constraint /run/pinned/constraints.txt --requirement /run/pinned/requirements.txt \
    && { /opt/hpo/bin/python -m compileall -qq -j 0 --invalidation-mode unchecked-hash \
        /opt/hpo/lib || true; }

FROM dependencies AS project
WORKDIR /build
RUN python3 -m venv /run/pip
COPY --from=requirements /pinned/constraints.txt ./
ARG OFFLINE=
RUN --mount=type=bind,from=wheels,target=/run/wheels \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca \
    if [ -e /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    /run/pip/bin/pip install --no-cache-dir --disable-pip-version-check \
        ${OFFLINE:+--no-index} --find-links /run/wheels --constraint constraints.txt setuptools
COPY pyproject.toml README.md ./
COPY study study
COPY worker worker
COPY coordinator coordinator
RUN /run/pip/bin/pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir dist . \
    && /run/pip/bin/pip --python /opt/hpo/bin/python install --quiet --no-deps --no-index \
        --no-compile --prefix /project dist/*.whl \
    && /opt/hpo/bin/python -m compileall -q --invalidation-mode unchecked-hash \
        -s /project -p /opt/hpo /project/lib

FROM dependencies
WORKDIR /tmp
# The project comes last, so that a change of code moves this layer alone.
COPY --from=project /project /opt/hpo
ENV PATH=/opt/hpo/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    USER=hpo \
    HPO_HOME=/tmp/hpo \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
ENTRYPOINT ["dumb-init", "--single-child", "--", "hpo-worker"]
CMD ["run"]
ARG VERSION
ARG COMMIT
LABEL org.opencontainers.image.title="hpo-worker" \
    org.opencontainers.image.description="Trains the trials of a hyper-parameter search" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${COMMIT}"
