-- flags: --seed 7
-- Half of the connections are reset; which ones depends on the seed.
local shop = demo.shop {}
local web = netfault.proxy { name = "web", upstream = shop.address }
inject(web:reset_peer { toxicity = "50%" })
local hits = 0
for _ = 1, 40 do
    if http.get("http://" .. web.listen .. "/items", { headers = { connection = "close" } }).status == 0 then hits += 1 end
end
expect(hits > 5 and hits < 35, hits .. " of 40")
