"""What manifests and lock files ask for, read from their text alone: nothing here runs, fetches or opens anything."""
