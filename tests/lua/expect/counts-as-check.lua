options { thresholds = {
    ["checks{check:named}"] = "rate == 100%",
    ["checks{check:expect}"] = "rate == 50%",
} }
scenario("one", { vus = 1, iterations = 1 }, function()
    expect("named", function()
        return true
    end)
    expect(true)
    pcall(expect, false)
end)
