"""The new shop's service, put together."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from examples.shop.service import customers, orders, payments, products
from examples.shop.service.doorkeeper import Bucket, Doorkeeper
from examples.shop.service.envelope import answer_problems
from examples.shop.service.mongodb import open_documents
from examples.shop.service.mysql import open_mysql
from examples.shop.service.settings import Settings
from fastapi import FastAPI


def create_app() -> FastAPI:
    """What each worker process serves; the stores are there already."""
    settings = Settings.from_environment()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = open_mysql(settings.mysql)
        client, documents = open_documents(settings.mongodb)
        app.state.mysql, app.state.documents = engine, documents
        yield
        await client.close()
        await engine.dispose()

    app = FastAPI(title="The new shop", lifespan=lifespan)
    for routes in (customers, products, orders, payments):
        app.include_router(routes.router)
    answer_problems(app)
    app.add_middleware(Doorkeeper, token=settings.token, bucket=Bucket(settings.rate, time.monotonic))
    return app
