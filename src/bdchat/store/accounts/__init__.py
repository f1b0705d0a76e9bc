"""Users, logins, API keys, invitations, usage and the audit log."""
