"""What tests, drill and bench share: known shops, synthetic releases, checkouts, servers, reports of figures."""
