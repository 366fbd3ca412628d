"""A double of AWS: moto's server, and what moto lacks for this ground; one file per service that is wrapped.

A wrap adds an operation that moto does not know, or an attribute that it forgets, so that a second plan finds nothing. It
remains a record of what was asked for: it starts no node and no database, delivers no event, enforces no policy and no
quota, and is ready at once. Whether AWS would refuse a policy, a version or a name, only AWS can tell.
"""
