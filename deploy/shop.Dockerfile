# The example's old shop and new service, for compose.yaml alone: docker build --file deploy/shop.Dockerfile .

FROM python:3.12-slim

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /shop
COPY examples/shop/requirements.txt examples/shop/
RUN ["pip", "install", "--require-hashes", "--requirement", "examples/shop/requirements.txt"]
COPY examples/shop examples/shop

USER 10002:10002
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m"]
CMD ["examples.shop.service", "--help"]
