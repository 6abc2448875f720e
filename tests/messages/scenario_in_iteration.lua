-- exit: 3
scenario("browse", { vus = 1 }, function()
    scenario("more", { vus = 1 }, function() end)
end)
