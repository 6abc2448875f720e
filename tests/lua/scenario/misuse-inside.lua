-- exit: 3
-- stderr: misuse-inside.lua:4: scenario
scenario("outer", { vus = 1 }, function()
    scenario("inner", { vus = 1 }, function() end)
end)
