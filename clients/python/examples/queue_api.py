"""A queue behind an API: POST / takes work and answers with an id, GET /{id} gives its result.

uvicorn queue_api:app                                  # the service
python -m errand worker queue_api:worker               # as many workers as you like, anywhere
"""

import os
from typing import Any

from fastapi import Body, FastAPI, HTTPException

import errand

JOBS_URL = os.environ.get("JOBS_URL", "http://127.0.0.1:6780")

worker = errand.Worker(JOBS_URL, concurrency=4)
client = errand.AsyncClient(JOBS_URL)
app = FastAPI()
app.add_event_handler("shutdown", client.close)


@worker.task(queue="texts", max_attempts=5)
def analyse(text: str) -> dict[str, int]:
    """The work itself."""
    context = errand.current()
    words = text.split()
    for done in range(len(words)):
        context.raise_if_cancelled()
        context.progress(done + 1, len(words))
    return {"words": len(words), "letters": sum(map(len, words))}


@app.post("/", status_code=202)
async def submit(text: str = Body(embed=True)) -> dict[str, str]:
    """Takes a text."""
    job = await client.submit(analyse.job(text))
    return {"id": job.id}


@app.get("/{id}")
async def look(id: str) -> dict[str, Any]:
    """How far it is, or what came of it."""
    try:
        job = await client.get(id, full=True)
    except (errand.NotFound, errand.InvalidArgument) as error:
        raise HTTPException(404, error.message) from error
    failure = job.error.message if job.error else None
    return {"state": job.state.value, "result": job.result, "error": failure}
