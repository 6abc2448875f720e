-- Processor time has a unit.
-- exit: 3
-- stderr: process.limit: option `cpu`: 0.5 has no unit; write "0.5%" of a core
process.find { name = "etcd" }:limit { cpu = 0.5 }
