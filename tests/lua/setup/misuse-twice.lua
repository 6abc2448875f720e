-- exit: 3
-- stderr: setup: given twice
setup(function() end)
setup(function() end)
scenario("s", { vus = 1 }, function() end)
