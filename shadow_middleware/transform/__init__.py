"""Pure steps from a captured request to the one a shadow gets."""
