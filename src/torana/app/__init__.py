"""The composition root: the only place that knows every part. Start reading at `node`."""
