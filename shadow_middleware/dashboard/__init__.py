"""The dashboard: pages over what is read, without a script or style of elsewhere."""
