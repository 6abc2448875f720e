-- Which limit must be said.
-- exit: 3
-- stderr: process.limit: say which limit: cpu, memory, pids, open_files, processes, file_size, address_space, locked_memory
process.find { name = "etcd" }:limit {}
