"""FastAPI with asyncpg: Pydantic models of the contract, a connection pool, one prepared INSERT per request.

Uvicorn runs it, with uvloop and httptools if they are installed. Environment: `PGHOST`, `PGUSER`, `PGDATABASE`, and `POOL`,
the size of the pool.
"""

import json
import os
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, Field

pool: asyncpg.Pool
hosted_websites: dict[UUID, UUID] = {}
websites: set[UUID] = set()


@asynccontextmanager
async def lifespan(_: FastAPI):
    global pool
    size = int(os.environ["POOL"])
    pool = await asyncpg.create_pool(
        host=os.environ["PGHOST"],
        user=os.environ["PGUSER"],
        database=os.environ["PGDATABASE"],
        min_size=size,
        max_size=size,
    )
    yield
    await pool.close()


app = FastAPI(lifespan=lifespan)


class PageView(BaseModel):
    site_id: UUID
    page_path: str = Field(max_length=2048)
    device_type: str | None = None
    referrer: str | None = None
    screen_width: int | None = None
    session_id: str | None = None


class Submission(BaseModel):
    site_id: UUID
    form_data: dict[str, Any] = Field(max_length=50)
    email: str | None = None
    page_slug: str | None = None


@app.post("/v1/public/analytics/track", status_code=204)
async def track(view: PageView) -> Response:
    hosted = hosted_websites.get(view.site_id)
    if hosted is None:
        hosted = await pool.fetchval(
            "SELECT hosted_website_id FROM peer_site WHERE tracking_token = $1", view.site_id
        )
        if hosted is None:
            raise HTTPException(404, "Unknown site")
        hosted_websites[view.site_id] = hosted
    await pool.execute(
        "INSERT INTO peer_page_view (hosted_website_id, page_path, device_type, referrer, screen_width, session_id)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        hosted,
        view.page_path,
        view.device_type,
        view.referrer,
        view.screen_width,
        view.session_id,
    )
    return Response(status_code=204)


@app.post("/v1/public/forms/submit")
async def submit(submission: Submission) -> dict[str, str]:
    if submission.site_id not in websites:
        known = await pool.fetchval(
            "SELECT true FROM peer_site WHERE website_config_id = $1", submission.site_id
        )
        if known is None:
            raise HTTPException(404, "Unknown site")
        websites.add(submission.site_id)
    submission_id = uuid4()
    await pool.execute(
        "INSERT INTO peer_submission (submission_id, website_config_id, email, page_slug, form_data)"
        " VALUES ($1, $2, $3, $4, $5)",
        submission_id,
        submission.site_id,
        submission.email,
        submission.page_slug,
        json.dumps(submission.form_data),
    )
    return {"status": "received", "submission_id": str(submission_id)}
