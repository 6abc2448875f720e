-- What was acknowledged must be found again; what was not may be there or not.
local ledger = integrity.ledger()
ledger:note("a", "1", true)
ledger:note("b", "2", true)
ledger:note("c", "3", nil)
local result = ledger:compare({ a = "1", b = "0" })
expect("counts", result.acknowledged == 2 and result.unsure == 1 and result.found == 1)
expect("what changed", result.changed.b == "0" and next(result.lost) == nil)
expect("what is lost", ledger:compare({ a = "1" }).lost.b == "2")
expect("by a function", ledger:compare(function(key) return ledger.acknowledged[key] end).found == 2)

local store = {}
local writer = integrity.ledger():begin({ every = "5ms" }, function(key, value)
    if math.random() < 0.3 then return false end
    store[key] = value
    return true
end)
sleep("300ms")
writer:stop()
local attempts = writer.attempts
sleep("50ms")
expect("it stops", writer.attempts == attempts and attempts > 3)
expect("nothing is lost", writer:verify(store).found > 0)
