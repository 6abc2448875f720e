-- exit: 3
summary(function() return 5 end)
scenario("browse", { vus = 1 }, function() end)
