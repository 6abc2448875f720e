-- A misspelt option is not a write to any member.
-- exit: 3
-- stderr: cluster:put: unknown option "att"; the options are at
etcd.cluster({ members = { "http://127.0.0.1:9" } }):put("key", "value", { att = 1 })
