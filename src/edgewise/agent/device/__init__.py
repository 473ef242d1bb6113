"""A phone as an agent sees it: pictures, elements, gestures; the one behind the Android Debug Bridge."""
