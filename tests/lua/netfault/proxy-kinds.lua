-- What each fault of a proxy does, as a client sees it.
local shop = demo.shop {}
local web = netfault.proxy { upstream = shop.address }
local url = "http://" .. web.listen .. "/items"

local function with(fault, act)
    local live = inject(fault)
    act()
    live:heal()
    local after = http.client {}:get(url)
    expect(after.status == 200, live.name .. " leaves nothing behind: " .. tostring(after.error))
end

local function fails(within)
    local res = http.client {}:get(url, { timeout = within or "5s" })
    expect(res.status == 0, "expected a failure, got " .. res.status)
    return res
end

with(web:reset_peer {}, function() fails() end)
with(web:down {}, function() fails() end)
with(web:timeout {}, function() expect(fails("200ms").duration >= 200, "a black hole") end)
with(web:timeout { timeout = "100ms" }, function() fails() end)
with(web:limit_data { bytes = "10B" }, function() fails() end)
with(web:packet_loss { loss = "100%" }, function() fails("200ms") end)
with(web:bandwidth { rate = "10KB/s" }, function()
    local res = http.client {}:get(url .. "?page=1")
    expect(res.duration > 1000 * #res.body / 10000 * 0.8, "10 KB/s took " .. res.duration)
end)
with(web:slicer { average_size = "64B", delay = "1ms" }, function()
    expect(http.client {}:get(url).status == 200, "in slices")
end)
with(web:slow_close { delay = "50ms" }, function()
    expect(http.client {}:get(url).status == 200, "closes later")
end)
with(web:noop {}, function() expect(http.client {}:get(url).status == 200, "nothing") end)
