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
from provisioner.conversation.turns import NotAnswered

__all__ = [
    "Answerer",
    "Attachment",
    "Call",
    "Citation",
    "Conversation",
    "Event",
    "Message",
    "NotAnswered",
    "Partner",
    "Reply",
    "Usage",
    "open_conversation",
]
