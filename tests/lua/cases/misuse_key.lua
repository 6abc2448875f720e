-- exit: 3
-- stderr: cases: row 1 (A): unknown key "holds"; the keys are id, title, fault, hold, recovers_within, stable_for, expect
cases({ { id = "A", fault = { kind = "down" }, holds = "1s" } }, { faults = { down = function() end }, steady = function() end })
