"""Django's PostgreSQL backend, with a pool that outlives the database and credentials that are read anew."""
