-- exit: 5
options { cpu_limit = "200ms" }
scenario("browse", { vus = 1 }, function()
    while true do end
end)
