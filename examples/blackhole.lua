-- needs: root, netns
-- What does a service that does not answer do to its callers?
-- A black hole swallows the packets of one port on this host; nothing else is touched.
local shop = demo.shop {}
local url = shop.url .. "/items"
local port = tonumber(shop.url:match(":(%d+)$"))

local before = http.get(url)
log.info(`before: {before.status} after {before.duration} ms`)

local hole = inject(netfault.blackhole(netfault.host(), { port = port, protocol = "tcp" }), { name = "silence" })
local during = http.get(url, { timeout = "1s" })
log.info(`during: {during.error} (code {during.error_code})`)
hole:heal()

local refused = inject(netfault.reject(netfault.host(), { port = port, protocol = "tcp" }), { name = "refusal" })
log.info(`refused: {http.get(url, { timeout = "1s" }).error}`)
refused:heal()

local after = eventually("answers again", function()
    local res = http.get(url, { timeout = "1s" })
    return res.ok and res
end)
log.info(`after: {after.status} after {after.duration} ms`)
