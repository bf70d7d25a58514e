"""The change stream from the serving database to its follower, in either direction."""
