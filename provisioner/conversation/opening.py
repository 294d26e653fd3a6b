"""Which way a conversation goes, by the API of the assistant."""

from __future__ import annotations

from provisioner.conversation.nouns import Conversation, Partner
from provisioner.conversation.responses import Responses
from provisioner.conversation.sessions import Session
from provisioner.conversation.threads import Thread
from provisioner.remote import Remote


async def open_conversation(remote: Remote, partner: Partner) -> Conversation:
    """A new conversation with an assistant; whoever opens it closes it."""
    request = partner.request or {}
    if partner.api == "responses":
        return await Responses.open(remote, request)
    assert partner.id is not None
    if partner.api == "agents":
        return Session(remote, {"agent_id": partner.id, **request})
    return await Thread.open(remote, partner.id)
