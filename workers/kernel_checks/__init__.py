"""Kernels of pull requests: a delivery wants a look, a look opens checks, a worker of the queue `kernels` verifies.

Each step is a row with a lease: a worker that is lost on the way costs time. A check run says from the first moment
what is being waited for, and at the end what was found out.
"""
