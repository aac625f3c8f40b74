"""How a store of any version becomes one of the newest; Alembic's environment."""
