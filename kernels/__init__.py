"""Arrays in, arrays out: decoding, descriptors, distances."""
