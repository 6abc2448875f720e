-- A burst keeps its rate, counts what failed, and does not wait for the calls before.
local seen = {}
local figures = trial.burst({ rate = 50, duration = "1s" }, function(number)
    seen[number] = true
    sleep("100ms")
    return number % 5 ~= 0
end)
expect("all were made", figures.calls == 50 and #seen == 50)
expect("a fifth failed", figures.failed == 10 and math.abs(figures.errors - 0.2) < 0.001)
expect("side by side", figures.rate > 5)
expect("figures", figures.p50 >= 100 and figures.p99 >= figures.p50)

local crowded = trial.burst({ rate = 100, duration = "500ms", max = 1 }, function() sleep("2s") return true end)
expect("no more at once than it may", crowded.calls + crowded.dropped == 50 and crowded.dropped >= 40)
