-- A misspelt option.
-- exit: 3
-- stderr: process.find: unknown option `nam`; did you mean `name`?
process.find { nam = "etcd" }
