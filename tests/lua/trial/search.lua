-- The search finds where it breaks, within its precision; and says when it does not break.
local tried = 0
local good, bad = trial.search({ from = 10, to = 1000, precision = 0.1 }, function(rate)
    tried += 1
    return rate <= 333
end)
expect("around the point", good <= 333 and bad > 333 and (bad - good) / bad <= 0.1)
expect("without many trials", tried < 15)
local all, none = trial.search({ from = 10, to = 70 }, function() return true end)
expect("all are borne", all == 70 and none == nil)
local nothing, first = trial.search({ from = 10, to = 70 }, function() return false end)
expect("none is borne", nothing == 0 and first == 10)
