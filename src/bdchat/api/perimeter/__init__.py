"""Who may speak to us at all, and by which address: Host, Origin, CORS, the links that are handed on."""
