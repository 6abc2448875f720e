-- A drill compares the state before and after, and takes the time.
local state, kept = {}, nil
local report = integrity.drill {
    create = function() state = { orders = { rows = 2 } } end,
    backup = function() kept = 2 end,
    lose = function() state = {} end,
    restore = function() state = { orders = { rows = kept } } end,
    state = function() return { orders = { rows = state.orders and state.orders.rows } } end,
    rto = 60000,
}
expect("no difference", #report.differences == 0 and report.took.restore >= 0 and report.downtime < 60000)
local found = integrity.differences({ a = 1, b = { c = 2 }, d = 4 }, { a = 1, b = { c = 3 }, e = 5 })
expect("sentences", table.concat(found, "; ") == "b.c: 2 before, 3 after; d: 4 before, nothing after; e: nothing before, 5 after", table.concat(found, "; "))
local both = integrity.snapshot { one = function() return 1 end, two = function() return { 2 } end }
expect("a snapshot", both.one == 1 and both.two[1] == 2)
