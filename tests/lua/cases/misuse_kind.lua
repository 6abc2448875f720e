-- exit: 3
-- stderr: cases: row 2 (B): fault.kind "laten" is unknown; the kinds are down, latency
cases({ { id = "A", fault = { kind = "down" } }, { id = "B", fault = { kind = "laten" } } }, {
    faults = { down = function() end, latency = function() end }, steady = function() end,
})
