-- exit: 4
-- stdout: slow: no answer within 200ms
-- A probe that does not answer in time is a breach; the run does not wait for it.
experiment("slow", function(x)
    x:steady_state("fast", function(probe)
        probe:fn("slow", function() sleep("60s") end, { within = "200ms" })
        probe:command("stuck", { "sleep", "60" }, { within = "200ms" })
    end)
    x:step("never", function() end)
end)
