"""When could it happen: the times at which a visit could still be had, and what takes them away."""
