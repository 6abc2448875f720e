-- stdout: verdict passed after 2
summary(function(result)
    return "verdict " .. result.verdict .. " after " .. result.metrics.iterations.values.count .. "\n"
end)
scenario("s", { vus = 1, iterations = 2 }, function() end)
