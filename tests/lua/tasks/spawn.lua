local order = {}
local handle = spawn(function(n)
    sleep("30ms")
    table.insert(order, "child")
    return n * 2, "second"
end, 21)
table.insert(order, "parent")
expect(handle:done() == false, "still running")
local n, second = handle:wait()
expect(n == 42 and second == "second", "what it returned")
expect(handle:done(), "done")
expect(order[1] == "parent" and order[2] == "child", "beside the caller")
expect(handle:wait() == 42, "waiting again")
