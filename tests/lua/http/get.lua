local shop = demo.shop{}
local res = http.get(shop.url .. "/items/7")

expect(res.status == 200 and res.ok, "status and ok")
expect(res.error == nil and res.error_code == 0, "no error")
expect(res.headers["content-type"] == "application/json", "headers are in lower case")
expect(res.headers["no-such-header"] == nil, "a header that is not there is nil")
expect(res:json().id == 7, "the whole body")
expect(res:json("$.id") == 7, "a path")
expect(res:json("$.nothing") == nil, "a path that leads nowhere")
expect(res.url == shop.url .. "/items/7", "url")
expect(res.version == "HTTP/1.1", "version")
expect(res.remote_address == shop.address, "remote address")
expect(res.duration > 0 and res.duration < 10000, "duration in milliseconds")

local sum = 0
for _, phase in { "blocked", "dns", "connecting", "tls", "sending", "waiting", "receiving" } do
    expect(res.timings[phase] >= 0, phase)
    sum += res.timings[phase]
end
expect(math.abs(sum - res.timings.total) < 0.001, "the phases add up")
