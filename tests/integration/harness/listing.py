"""Whole lists: a page may hold fewer jobs than were asked for, so only the token tells the end."""

from errand.v1 import job_service_pb2 as messages


def pages(rpc, **fields):
    """The jobs of each page; newest first."""
    token = ""
    while True:
        page = rpc.jobs.List(messages.ListJobsRequest(page_token=token, **fields))
        yield list(page.jobs)
        token = page.next_page_token
        if not token:
            return


def listed(rpc, **fields):
    return [job for page in pages(rpc, **fields) for job in page]


def listed_ids(rpc, **fields):
    return [job.id for job in listed(rpc, **fields)]
