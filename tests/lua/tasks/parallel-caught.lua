local start = now()
local finished = false
local ok, problem = pcall(parallel, {
    function()
        sleep("20s")
        finished = true
    end,
    function()
        sleep("10ms")
        fail("first error")
    end,
})
expect(not ok and string.find(problem, "first error", 1, true), problem)
expect(now() - start < 5000 and not finished, "the others are cancelled")
sleep("1ms")
