-- How does one user do several things at once? batch for requests, parallel and spawn for anything.

options { thresholds = {
    checks = "rate == 100%",
    -- Three waits of 100 ms side by side, three times: well below the 900 ms of one after the other.
    iteration_duration = "med < 850ms",
} }

scenario("browser", { executor = "per-vu-iterations", vus = 2, iterations = 3 }, function(vu, session)
    local slow = session.url .. "/slow?ms=100"

    -- Requests side by side, as a browser loads a page; the answers are in the order asked.
    local answers = http.batch {
        { "GET", slow },
        { "GET", session.url .. "/items" },
        { method = "GET", url = slow },
    }
    check(answers, { ["all of the batch answered"] = function(all)
        return all[1].status == 200 and all[2].status == 200 and all[3].status == 200
    end })

    -- Functions side by side, each with what it returns.
    local results = parallel {
        function() return http.get(slow).status end,
        function() return http.get(slow).status end,
        function() sleep("100ms") return "slept" end,
    }
    check(results, { ["all functions returned"] = results[1] == 200 and results[2] == 200 and results[3] == "slept" })

    -- In the background: the iteration does not end before it has.
    local background = spawn(function() return http.get(slow).status end)
    local item = http.get(session.url .. "/items/7")
    check(item, { ["the foreground goes on"] = item.status == 200 })
    check(background:wait(), { ["the background is done"] = function(status) return status == 200 end })
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
