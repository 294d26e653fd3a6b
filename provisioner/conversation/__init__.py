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
]
