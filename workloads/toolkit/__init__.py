"""What the scripts of several workloads share; `scripts/toolkit` of each of them is a link to this folder."""
