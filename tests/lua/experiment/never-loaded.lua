-- stderr: scenario "browse" was never loaded, so it did not run
scenario("browse", { vus = 1, duration = "1s" }, function() fail("it ran") end)
scenario("after", { vus = 1, duration = "1s", start_after = "browse" }, function() fail("it ran") end)
experiment("a", function(x) x:step("nothing", function() end) end)
