"""Production's settings and routes, and two routes that crash: for tests of what becomes of an error nobody foresaw."""
