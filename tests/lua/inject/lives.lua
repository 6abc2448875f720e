-- stderr: nap
local idler = process.spawn { cmd = { "sleep", "60" } }
local live = inject(idler:pause(), { name = "nap", ttl = "30s", must_hit = true })
expect(live.name == "nap" and live.kind == "process.pause" and live.tier == "journal", "what it is")
expect(live.active and live.observed, "it acts")
expect(live.remaining > 0 and live.remaining <= 30, "time left")
expect(tostring(live) == "live fault: nap", tostring(live))
live:heal()
live:heal()
expect(not live.active and live.remaining == nil, "it is over")
log.info("nap")
