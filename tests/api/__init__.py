"""The API, asked as clients ask it."""
