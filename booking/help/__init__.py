"""Help: how to do what a screen is for, in our own words, and whether the words helped."""
