-- Refusals and hints are told apart; a breaker is followed through its states by the shop's own metrics.
local behind = demo.shop { items = 11 }
local link = netfault.proxy { name = "store", upstream = behind.store_address }
local shop = demo.shop {
    items = 11, store = link.listen, cache_ttl = "1ms", retries = 1, breaker = { failures = 4, open = "300ms" },
}
local breaker = resilience.breaker { metrics = shop.url .. "/metrics" }
local function ask() return http.get(shop.url .. "/items/" .. math.random(1, 11), { timeout = "5s" }) end
expect("closed at first", breaker:state() == "closed")

local seen = resilience.tally()
local fault = inject(link:down {}, { name = "away" })
local function retried() return prometheus.scrape(shop.url .. "/metrics"):value("store_retries_total") end
expect("one retry for a call", resilience.amplification(retried, 1, ask) == 1)
expect("it opens", breaker:wait("open", { within = "10s", meanwhile = function() seen:add(ask()) end }) >= 0)
for _ = 1, 3 do seen:add(ask()) end
expect("refused with a hint", seen.refused == seen.total and seen.unhinted == 0 and seen.statuses[503] == seen.total)
expect("durations", seen:p(95) >= seen:p(50))
fault:heal()
breaker:wait("closed", { within = "10s", meanwhile = ask })
expect("it serves", ask().ok)

local word = "open"
expect("by a function", resilience.breaker({ read = function() return word end }):state() == "open")
