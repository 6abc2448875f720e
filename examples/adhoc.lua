-- How do I break something by hand, in ten lines? Without declarations, the top level is the run.

local shop = env("BASE_URL") or demo.shop {}.url
local gateway = netfault.http_proxy { name = "gateway", upstream = shop }

local live = inject(gateway:abort { status = 503 }, { ttl = "30s" })
expect(http.get(gateway.url .. "/items").status == 503, "the fault acts")
live:heal() -- or at the end of the script, or when rchaos dies
expect(http.get(gateway.url .. "/items").status == 200, "and is gone")
