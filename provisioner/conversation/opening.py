"""Which way a conversation goes, by the API of the assistant."""

from __future__ import annotations

from provisioner.conversation.nouns import Conversation, Partner
from provisioner.conversation.responses import Responses
from provisioner.conversation.threads import Thread
from provisioner.errors import UsageError
from provisioner.model import Problem
from provisioner.remote import Remote


async def open_conversation(remote: Remote, partner: Partner) -> Conversation:
    """A new conversation with an assistant; whoever opens it closes it. UsageError where its API
    has none.
    """
    if partner.api == "assistants" and partner.id is not None:
        return await Thread.open(remote, partner.id)
    if partner.api == "responses" and partner.request is not None:
        return await Responses.open(remote, partner.request)
    detail = (
        f"`{partner.address}` is deployed through the API `{partner.api}`, and a conversation"
        " through it is not available yet."
    )
    hint = "talk to an assistant whose `api` is `assistants` or `responses`"
    raise UsageError(Problem("API not available", detail, hint, address=partner.address))
