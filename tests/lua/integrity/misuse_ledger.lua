-- exit: 3
-- stderr: ledger:begin: unknown option "evry"; the options are every, prefix
integrity.ledger():begin({ evry = "1s" }, function() return true end)
