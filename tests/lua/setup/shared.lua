-- stderr: @ abc
setup(function() return { token = "abc" } end)
scenario("s", { vus = 1 }, function(_, session) print("@ " .. session.token) end)
