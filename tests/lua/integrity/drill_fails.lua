-- A restore that drops a row fails.
-- exit: 5
-- stderr: what was restored differs: rows: 2 before, 1 after
local rows = 2
integrity.drill {
    backup = function() end, lose = function() rows = 0 end, restore = function() rows = 1 end,
    state = function() return { rows = rows } end,
}
