"""What nights cost: over history, many small logs, a store, workers and other engines."""
