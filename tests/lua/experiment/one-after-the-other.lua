-- exit: 5
-- stdout: experiment "first": one-after-the-other.lua:7: expectation failed: two is three
-- An expectation that fails ends its experiment, not those after it.
local done = false
experiment("first", function(x)
    x:step("wrong", function(s)
        s:expect("two is three", function() return 2 == 3 end)
    end)
    print("it went on")
end)
experiment("second", function(x)
    x:step("right", function() done = true end)
end)
teardown(function()
    expect(done, "the second ran")
end)
