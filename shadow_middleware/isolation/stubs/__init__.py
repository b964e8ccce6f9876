"""One module for each library: `put` puts its stubs in place, through `Patches`."""
