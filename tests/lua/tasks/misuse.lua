-- exit: 3
-- stderr: parallel: entry 2 is not a function but a number
parallel { function() end, 5 }
