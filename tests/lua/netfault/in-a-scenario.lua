-- exit: 3
-- stderr: netfault.proxy: virtual users do not touch hosts
scenario("s", { vus = 1, iterations = 1 }, function()
    netfault.proxy { upstream = "127.0.0.1:1" }
end)
