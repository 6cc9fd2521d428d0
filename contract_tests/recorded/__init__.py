"""Recorded traffic: read from HAR files, and checked without sending a request.

``observer`` passes the exchanges to the oracle, ``hindsight`` confirms suspicions with later
exchanges, and ``client_check`` finds client mistakes.
"""
