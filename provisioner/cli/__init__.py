"""The command line: parse, call the engine, print, exit code. Nothing else prints."""
