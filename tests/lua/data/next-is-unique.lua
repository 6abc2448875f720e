options { thresholds = { ["seen{user:ann}"] = "count == 1", ["seen{user:bob}"] = "count == 1", none = "count == 4", wrapped = "count == 6" } }
local seen, none, wrapped = metrics.counter("seen"), metrics.counter("none"), metrics.counter("wrapped")
local users = data.csv("users.csv")
local words = data.lines("words.txt")
scenario("all", { vus = 3, iterations = 6 }, function()
    local user = users:next()
    if user then
        seen:add(1, { user = user.user })
    else
        none:add(1)
    end
    if words:next({ wrap = true }) then
        wrapped:add(1)
    end
end)
