-- exit: 3
scenario("browse", { vus = 2, duration = 250 }, function() end)
