"""A credential becomes an identity here, and what rests on it ends here when it does."""
