"""Which pictures are recognised: mitate beside published methods on edited frames of real clips."""
