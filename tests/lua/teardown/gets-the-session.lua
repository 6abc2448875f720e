-- stderr: @ down abc
setup(function() return { token = "abc" } end)
teardown(function(session) print("@ down " .. session.token) end)
scenario("s", { vus = 1 }, function() end)
