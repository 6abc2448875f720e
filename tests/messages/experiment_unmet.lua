-- exit: 4
experiment("cut off", function(x)
    x:steady_state("orders flow", function(probe)
        probe:fn("queue drains", function() return 7 end, { value = "< 5" })
    end)
    x:step("never", function() end)
end)
