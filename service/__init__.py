"""The HTTP service over the gallery, and the root of the `sightline` command."""
