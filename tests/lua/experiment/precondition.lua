-- exit: 4
-- stdout: experiment "not there": steady state not met, nothing was injected: up: got false, expected true
-- A steady state that is not there: no step runs, and nothing is injected.
experiment("not there", function(x)
    x:steady_state("up", function(probe)
        probe:fn("up", function() return false end)
    end)
    local ok = pcall(function()
        x:step("never", function() print("the step ran") end)
    end)
    print("it went on", ok)
end)
