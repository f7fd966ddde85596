"""The project's own benchmarks: the product, the naive way and the limit, interleaved in one run."""
