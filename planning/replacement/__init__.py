"""Which changed input makes a resource anew, as far as schemas and providers tell."""
