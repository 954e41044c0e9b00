"""The embedded default's counterpart: a GitHub twin, sample repositories, a scripted model.

What the demo shows and the end-to-end tests prove runs against these, over real HTTP and real git, never against mocks.
The room knows nothing of the workers, the agent or the database.
"""
