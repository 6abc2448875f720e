-- exit: 3
scenario("browse", { vus = 1 }, function()
    if true then
        sleep("1s")
