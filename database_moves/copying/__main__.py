"""A worker process of a copy, for `crew` to start."""

from database_moves.copying import worker

worker.main()
