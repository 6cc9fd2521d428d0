"""The oracle: observes exchanges, keeps the belief, and finds what is suspect."""
