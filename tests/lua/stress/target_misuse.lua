-- A target is a process or a container.
-- exit: 3
-- stderr: stress.cpu: option `target`: expected a target such as
stress.cpu { load = "10%", target = "etcd" }
