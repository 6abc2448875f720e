-- A rate needs no unit here, but must be a number.
-- exit: 3
-- stderr: trial.burst: option `rate`: write calls per second as a number, such as 50
trial.burst({ rate = "50/s" }, function() end)
