-- exit: 5
-- How do I stop a run that is already lost? A threshold with abort_on_fail ends it: exit code 5.
-- This one asks a page that always fails, and ends after about a second instead of a minute.

options { thresholds = {
    http_req_failed = { { "rate < 10%", abort_on_fail = true, delay = "500ms" } },
} }

scenario("doomed", { executor = "constant-arrival-rate", rate = "50/s", duration = "1m" }, function(vu, session)
    http.get(session.url .. "/status/503")
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
