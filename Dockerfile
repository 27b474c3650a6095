# penstock as an image: docker build --tag penstock .
#
#   docker run --rm --read-only --volume "$PWD:/jobs:ro" --env-file .env penstock check orders.yaml
#
# Only /var/lib/penstock is written to: the journal of answers that the ledger does not have yet, and what `verify` puts aside.
# Keep it on a volume. docs/how-to/deploy.md tells more.

FROM python:3.12-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build

# No pip in it: what runs later can install nothing.
RUN ["python", "-m", "venv", "--without-pip", "/opt/penstock"]

# Before the sources, which change more often.
COPY requirements/runtime.txt requirements/rabbitmq.txt requirements/
RUN ["pip", "--python", "/opt/penstock/bin/python", "install", "--require-hashes", \
     "--requirement", "requirements/runtime.txt", "--requirement", "requirements/rabbitmq.txt"]

# Nothing is fetched here: the build's own tools are among the pinned requirements.
COPY pyproject.toml LICENSE ./
COPY src src
RUN ["pip", "--python", "/opt/penstock/bin/python", "install", "--no-deps", "--no-build-isolation", "."]


FROM python:3.12-slim

# The number is part of the image's promise: volumes and clusters name it.
RUN ["useradd", "--uid", "10001", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", \
     "--shell", "/usr/sbin/nologin", "penstock"]
RUN ["install", "--directory", "--owner=10001", "--group=10001", "--mode=0700", "/var/lib/penstock"]
COPY --from=build /opt/penstock /opt/penstock

ENV PATH=/opt/penstock/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/var/lib/penstock \
    XDG_STATE_HOME=/var/lib

USER 10001:10001
WORKDIR /jobs
VOLUME ["/var/lib/penstock"]

# What is on the wire finishes within timeout.total: give it longer than that before SIGKILL.
STOPSIGNAL SIGTERM
ENTRYPOINT ["penstock"]
CMD ["--help"]
