"""Recorded traffic: read from HAR files, and judged without a single request."""
