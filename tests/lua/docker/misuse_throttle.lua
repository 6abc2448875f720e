-- A device without a limit.
-- exit: 3
-- stderr: docker.limit: option `device`: say what is limited there: read, write, read_ops, write_ops

docker.container("web"):limit { cpus = 0.5, device = "/dev/sda" }
