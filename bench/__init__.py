"""Benchmarks: the same programs measure strongroom and any kube-apiserver, given a kubeconfig."""
