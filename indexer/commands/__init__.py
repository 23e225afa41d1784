"""The indexer's commands, one module each; heavy parts are imported when a command runs."""
