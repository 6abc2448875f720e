-- exit: 3
-- stderr: did you mean `thresholds`?
options { tresholds = {} }
scenario("s", { vus = 1 }, function() end)
