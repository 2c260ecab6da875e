"""Who may do what in a cluster, judged on this side of its API from its roles and bindings."""
