-- exit: 3
-- stderr: etcd.cluster: unknown option "member"; the options are members, timeout
etcd.cluster { members = { "http://127.0.0.1:2379" }, member = 1 }
