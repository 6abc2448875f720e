-- exit: 4
-- stdout: errors low: no samples in the window
-- A metric without samples is a breach.
experiment("silent", function(x)
    x:steady_state("errors low", { settle = "300ms" }, function(probe)
        probe:metric("errors low", "http_req_failed", "rate < 2%", { window = "200ms" })
    end)
    x:step("never", function() end)
end)
