"""hardy."""
