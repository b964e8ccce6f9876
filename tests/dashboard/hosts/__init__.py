"""Apps that the dashboard is part of, each served by a real server of its kind."""
