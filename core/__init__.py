"""What several packages would otherwise each write."""
