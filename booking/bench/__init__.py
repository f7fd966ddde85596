"""The project's own benchmarks: product, naive way and limit, interleaved in one run."""
