-- exit: 3
-- stderr: throws.lua:3: no such field
summary(function() error("no such field") end)
scenario("s", { vus = 1 }, function() end)
