-- How do I get a report in a form of my own? summary gets the result and returns texts.

options { thresholds = { http_req_duration = "p(95) < 2s" } }

scenario("visitors", { vus = 2, iterations = 40 }, function(vu, session)
    http.get(session.url .. "/items/" .. math.random(1, 100))
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)

-- `result` has the shape of --summary FILE. The keys of what is returned say where each text goes:
-- stdout, stderr or the name of a file.
summary(function(result)
    local duration = result.metrics.http_req_duration.values
    local lines = {
        "# Load test: " .. result.verdict,
        "",
        "| requests | p95 | p99 | seed |",
        "|---|---|---|---|",
        string.format("| %d | %.1f ms | %.1f ms | %s |",
            result.metrics.http_reqs.values.count, duration.p95, duration.p99, tostring(result.seed)),
        "",
    }
    for _, threshold in result.thresholds do
        table.insert(lines, string.format("- %s `%s %s`",
            if threshold.ok then "ok" else "MISSED", threshold.metric, threshold.expression))
    end
    return { stdout = table.concat(lines, "\n") .. "\n" }
end)
