"""A simulated phone: small apps as pure functions of an exact state, pictures, trees of elements, a device server."""
