local shop = demo.shop {}
local function told(wanted, call, ...)
    local ok, problem = pcall(call, ...)
    expect(not ok and tostring(problem):find(wanted, 1, true), `{wanted}: {problem}`)
end
told("cannot reach", prometheus.scrape, "http://127.0.0.1:1")
told("answered 404", prometheus.scrape, shop.url .. "/nothing")
told("shows no metrics: line 1", prometheus.scrape, shop.url .. "/items")
told('/redirect/1"; write that as its URL', prometheus.scrape, shop.url .. "/redirect/2")
told("within 100ms", prometheus.scrape, shop.url .. "/slow?ms=5000", { timeout = "100ms" })
told("answered 404", prometheus.connect { url = shop.url }.scalar, prometheus.connect { url = shop.url }, "up")

-- Credentials and headers reach the target; what it shows then are no metrics.
local guarded = shop.url .. "/basic-auth/me/secret"
told("answered 401", prometheus.scrape, guarded)
told("shows no metrics", prometheus.scrape, guarded, { auth = { basic = { "me", "secret" } } })
told("shows no metrics", prometheus.scrape, (guarded:gsub("http://", "http://me:secret@")))
told("answered 401", prometheus.scrape, guarded, { auth = { bearer = "token" } })
local headers = { accept = "x/y" }
told('{"headers":{"accept":"x/y"', prometheus.scrape, shop.url .. "/headers", { headers = headers })
