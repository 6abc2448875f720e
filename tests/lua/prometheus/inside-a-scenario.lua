-- Connections are made at the top level; they ask only where a script may act.
local server = prometheus.connect { url = "http://127.0.0.1:1" }

scenario("users", { vus = 2, iterations = 4 }, function(_, session)
    expect(prometheus.scrape(session.url):value("queue_depth") ~= nil, "a target")
    expect(not pcall(server.scalar, server, "up"), "a server that is gone")
end)

setup(function()
    return { url = demo.shop {}.url }
end)
