"""`python -m bdchat`: the same as the `bdchat` command."""

from bdchat.cli import main

main()
