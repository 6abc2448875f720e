-- A mode that needs a value.
-- exit: 3
-- stderr: process.find: option `pick`: write { mode = "percent", value = "50%" }
process.find { name = "etcd", pick = { mode = "percent" } }
