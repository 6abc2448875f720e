-- exit: 3
-- stderr: experiment: only the top level of a script may declare
scenario("s", { vus = 1 }, function() experiment("x", function() end) end)
