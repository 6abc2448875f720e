-- exit: 3
-- stderr: misuse.lua:3: inject: expected a fault such as process.find{ name = "etcd" }:pause(), got a string
inject("latency")
