"""From a folder of footage to enrolled tracklets: layouts, tracking, and the run over them."""
