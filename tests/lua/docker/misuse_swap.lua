-- Swap alone.
-- exit: 3
-- stderr: docker.limit: option `swap`: swap counts together with memory; say `memory`, too
docker.container("web"):limit { swap = "1GB" }
