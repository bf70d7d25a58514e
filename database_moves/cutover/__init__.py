"""The pause in which two databases change places: who served follows, who followed serves."""
