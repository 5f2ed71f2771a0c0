"""Writes the golden vectors that this folder makes; see ../README.md for how to run it."""

import heads
import interactions
import keys
import records
import requests

for module in (keys, heads, requests, records, interactions):
    module.main()
