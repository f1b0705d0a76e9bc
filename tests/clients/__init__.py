"""Programs of others for OpenAI's wire, from their packages: each is one child process that tells what it got.

`scripts/bootstrap_clients.py` installs them apart from the server's packages; no client may reach another machine."""
