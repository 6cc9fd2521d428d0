"""Recorded traffic: read from HAR files, and checked without sending a request."""
