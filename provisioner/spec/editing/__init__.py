"""Values written back into YAML, JSON and prompt files, with comments, quotes and layout kept."""
