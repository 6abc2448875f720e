options { thresholds = {
    ["checks{check:holds}"] = "rate == 100%",
    ["checks{check:does not}"] = "rate == 0%",
    ["checks{check:raises}"] = "rate == 0%",
    ["checks{check:tagged,team:a}"] = "rate == 100%",
    ["checks{check:waits}"] = "rate == 100%",
} }
scenario("one", { vus = 1, iterations = 2 }, function()
    local all = check({ n = 1 }, {
        ["holds"] = function(value)
            return value.n == 1
        end,
        ["does not"] = false,
        ["raises"] = function()
            error("boom")
        end,
        ["waits"] = function()
            sleep("5ms")
            return "anything but nil and false"
        end,
    })
    expect(all == false, "not all hold")
    expect(check(nil, { tagged = true }, { team = "a" }) == true, "all hold")
end)
