"""Whatever dies or lies: the account is exact, and no write is sent twice."""
