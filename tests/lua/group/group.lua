options { thresholds = {
    ["group_duration{group:a}"] = { "count == 1", "min >= 40ms" },
    ["group_duration{group:a::b}"] = { "count == 1", "min >= 20ms" },
    ["checks{group:a::b}"] = "rate == 100%",
    ["checks{group:after}"] = "rate == 100%",
} }
scenario("one", { vus = 1, iterations = 1 }, function()
    local x, y, z = group("a", function()
        sleep("20ms")
        group("b", function()
            sleep("20ms")
            check(1, { inner = true })
        end)
        return 1, nil, 3
    end)
    expect(x == 1 and y == nil and z == 3, "what it returns")
    local ok = pcall(group, "failing", function()
        error("boom")
    end)
    expect(not ok, "its error")
    group("after", function()
        check(1, { outer = true })
    end)
end)
