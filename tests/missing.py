"""What a machine may lack, and the one line that installs it."""

NO_CHROMIUM = (
    "the browser tests were not run, since no Chromium is installed;"
    " on Debian or Ubuntu: sudo apt-get install -y chromium"
)
