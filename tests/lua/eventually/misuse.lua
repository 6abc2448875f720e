-- exit: 3
-- stderr: eventually: unknown option `whithin`; did you mean `within`?
eventually(function() return true end, { whithin = "1s" })
