-- Each row is an experiment with the fault of its kind.
-- flags: --time-scale 0.01
-- stderr: scenario=B-2
local shop, link
setup(function()
    shop = demo.shop { items = 13 }
    link = netfault.proxy { name = "link", upstream = shop.address }
end)
local function ask() return http.get("http://" .. link.listen .. "/items/1", { timeout = "2s", headers = { connection = "close" } }) end
cases({
    { id = "A-1", title = "slow", fault = { kind = "latency", delay = "300ms" }, hold = "10s", stable_for = "10s" },
    { id = "B-2", title = "cut", fault = { kind = "down" }, hold = "10s", stable_for = "10s" },
}, {
    faults = {
        latency = function(fault) return link:latency { delay = fault.delay } end,
        down = function() return { link:down {} } end,
    },
    steady = function(probe) probe:fn("it answers", function() return ask().ok end, { within = "5s" }) end,
    seen = function(row)
        local res = ask()
        return if row.fault.kind == "down" then res.status == 0 else res.duration > 250
    end,
})
