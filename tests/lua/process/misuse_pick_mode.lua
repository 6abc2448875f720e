-- A mode that there is not.
-- exit: 3
-- stderr: process.find: option `pick`: unknown mode "al"; did you mean "all"?
process.find { name = "etcd", pick = "al" }
