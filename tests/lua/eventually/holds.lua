local calls, start = 0, now()
local result = eventually("third time", function()
    calls += 1
    if calls == 1 then
        error("not yet")
    end
    return calls == 3 and "lucky"
end, { within = "10s", every = "20ms" })
expect(result == "lucky" and calls == 3, "asked until it holds")
expect(now() - start >= 35, "with pauses")
expect(eventually(function()
    return true
end), "without a name")
