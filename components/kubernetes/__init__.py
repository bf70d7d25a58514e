"""Components that declare what lives in a cell's Kubernetes cluster."""
