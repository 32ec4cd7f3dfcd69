"""CAD-Net: facial landmarks and expressions under occlusion; its paper from one DAG."""
