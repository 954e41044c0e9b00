"""Forges: the places where tickets and pull requests live, spoken properly in both directions.

What comes in (deliveries) is verified and turned into closed, frozen values; what goes out is one request at a time,
repeatable by key, and honest about whether it was written. The room knows nothing of tasks or of the database.
"""
