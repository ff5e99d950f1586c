"""Battery Oracle: one agent behind a chat, an API and a command line."""
