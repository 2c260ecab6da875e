"""Several workers over one store, in one server that these tests share."""
