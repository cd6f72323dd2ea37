"""Web ACLs: WAFv2's rules, compiled to predicates. Pure: a request's parts in, a verdict out."""
