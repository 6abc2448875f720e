-- exit: 3
scenario("browse", function() end)
