-- exit: 3
-- stderr: experiment "a": declared twice
experiment("a", function() end)
experiment("a", function() end)
