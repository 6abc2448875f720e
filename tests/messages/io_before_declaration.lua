-- exit: 3
sleep("1ms")
scenario("browse", { vus = 1 }, function() end)
