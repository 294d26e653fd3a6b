"""The plan as a document: written, read back, its checksum, and what it rests on. Pure."""
