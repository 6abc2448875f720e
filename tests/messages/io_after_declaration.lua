-- exit: 3
scenario("browse", { vus = 1 }, function() end)
sleep("1ms")
