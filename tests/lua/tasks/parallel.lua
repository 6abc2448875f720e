local start = now()
local results = parallel {
    function()
        sleep("300ms")
        return "slow"
    end,
    function()
        return "fast"
    end,
    named = function()
        sleep("300ms")
        return group("g", function()
            return 7
        end)
    end,
}
expect(results[1] == "slow" and results[2] == "fast" and results.named == 7, "under their keys")
expect(now() - start < 590, "at once")
expect(next(parallel {}) == nil, "nothing to do")
