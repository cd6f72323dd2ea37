"""HTTP APIs: routes compiled into the same plans as the methods of REST APIs.

What differs from REST is here, a behaviour a file; what does not is what REST has.
"""
