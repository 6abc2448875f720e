-- A proxy ends with the step or the experiment it was made in, one that was made in setup with the run.
local early
setup(function()
    local shop = demo.shop {}
    early = netfault.proxy { name = "early", upstream = shop.address }
    return { address = shop.address }
end)

local function answers(proxy)
    return http.get("http://" .. proxy.listen .. "/items").status == 200
end

local inner, outer

experiment("one", function(x, shop)
    outer = netfault.proxy { name = "outer", upstream = shop.address }
    x:step("first", function(s)
        inner = netfault.http_proxy { name = "inner", upstream = shop.address }
        s:inject(early:latency { delay = "20ms" })
        s:expect("all answer", function() return answers(inner) and answers(outer) and answers(early) end)
    end)
    x:expect("the step's is closed", function() return not answers(inner) end)
    x:expect("the others are not", function() return answers(outer) and answers(early) end)
end)

experiment("two", function(x)
    x:expect("the experiment's is closed", function() return not answers(outer) end)
    x:expect("the run's is not", function() return answers(early) end)
end)
