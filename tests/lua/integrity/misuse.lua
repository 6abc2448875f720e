-- exit: 3
-- stderr: integrity.drill: unknown option "restor"; the options are create, backup, lose, restore, state, rto, canary
integrity.drill { restor = function() end }
