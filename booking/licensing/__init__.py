"""Licensing: installed copies of the software, their registrations, serial numbers and licences."""
