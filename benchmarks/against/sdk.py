"""What a script over the official SDK does: `list URL PATH` reads a list, `create URL FILE` creates
one by one.
"""

import asyncio
import json
import sys
import warnings
from pathlib import Path

import openai

warnings.simplefilter("ignore", DeprecationWarning)


async def read(url: str) -> int:
    """Every assistant, with the SDK's own pager."""
    async with openai.AsyncOpenAI(base_url=url) as client:
        return len([item.id async for item in client.beta.assistants.list(limit=100)])


def create(url: str, bodies: str) -> int:
    """One assistant after the other."""
    with openai.OpenAI(base_url=url) as client:
        return len(
            [
                client.beta.assistants.create(**body).id
                for body in json.loads(Path(bodies).read_text())
            ]
        )


verb, url, *rest = sys.argv[1:]
print(asyncio.run(read(url)) if verb == "list" else create(url, *rest))
