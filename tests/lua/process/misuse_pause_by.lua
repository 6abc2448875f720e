-- A pause is by a signal or by freezing.
-- exit: 3
-- stderr: process.pause: option `by`: expected "signal" or "freeze", got "cgroup"
process.find { name = "etcd" }:pause { by = "cgroup" }
