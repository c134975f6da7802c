"""A background module that keeps calling an API that fails now and then, until it answers.

python -m errand worker flaky_api:worker
python flaky_api.py 4711               # from anywhere: hands an order over, waits for the answer
"""

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

import errand

JOBS_URL = os.environ.get("JOBS_URL", "http://127.0.0.1:6780")
PARTNER_URL = os.environ.get("PARTNER_URL", "http://127.0.0.1:8000")

worker = errand.Worker(JOBS_URL)


@worker.task(
    queue="partner",
    retry=errand.Retry(max_attempts=20, min_backoff=0.2, max_backoff=60),
    attempt_timeout=30,
)
def register(order: int) -> Any:
    """Tells the partner of an order. What this raises decides whether it is tried again."""
    try:
        with urllib.request.urlopen(f"{PARTNER_URL}/orders/{order}", timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code in (429, 503) and "Retry-After" in error.headers:
            raise errand.RetryLater(float(error.headers["Retry-After"])) from error
        if 400 <= error.code < 500 and error.code != 429:
            raise errand.Permanent(f"the partner refuses order {order}: {error}") from error
        raise  # anything else: again, by the policy above


if __name__ == "__main__":
    order = int(sys.argv[1])
    # The same order handed over twice while the first is under way is one job.
    print(register.options(unique_key=f"order-{order}").submit(order).result(timeout=600))
