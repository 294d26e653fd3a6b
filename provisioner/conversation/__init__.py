"""Holding a conversation with an assistant, through the API that it is deployed through."""

from provisioner.conversation.nouns import (
    Answerer,
    Attachment,
    Call,
    Citation,
    Conversation,
    Event,
    Message,
    Partner,
    Reply,
    Usage,
)
from provisioner.conversation.opening import open_conversation

__all__ = [
    "Answerer",
    "Attachment",
    "Call",
    "Citation",
    "Conversation",
    "Event",
    "Message",
    "Partner",
    "Reply",
    "Usage",
    "open_conversation",
]
